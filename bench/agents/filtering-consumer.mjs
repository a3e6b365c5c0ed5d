// The consuming agent of `filter-90`: leaves it to the senders to keep back what it does not want.

import { defineAgent } from 'flyshuttle'
import { createTally } from '../lib/tally.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { WANTED_TRADES } from '../payloads/wanted-trade.mjs'
import { COMPLETE, EXPECT, partOf, REPORT, Trade } from './messages.mjs'

export default defineAgent({
  name: 'filtering-consumer',
  onStart: async (context) => {
    const tally = createTally(createPayload(context.config.payload))
    await context.subscribe(Trade, (value) => tally.take(value), { filter: WANTED_TRADES })
    await context.handle(partOf(EXPECT, 0), (job) => tally.expect(job))
    await context.handle(partOf(COMPLETE, 0), () => tally.complete())
    await context.handle(partOf(REPORT, 0), () => tally.report())
  },
})
