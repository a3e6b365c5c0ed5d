// Receives trades and times each of them.

import { defineAgent, on } from 'flyshuttle'
import { createTimedTally } from '../lib/timed-tally.mjs'
import { foldTrade } from '../payloads/trade.mjs'
import { COMPLETE, EXPECT, REPORT, Trade } from './messages.mjs'

const tally = createTimedTally(foldTrade)

export default defineAgent({
  name: 'timed-consumer',
  subscribe: [on(Trade, tally.take)],
  handle: [on(EXPECT, tally.expect), on(COMPLETE, tally.complete), on(REPORT, tally.report)],
})
