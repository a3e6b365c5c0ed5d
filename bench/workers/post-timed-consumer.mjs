// Receives trades over a MessagePort and times each of them.

import { workerData } from 'node:worker_threads'
import { createTimedTally } from '../lib/timed-tally.mjs'
import { serve } from '../lib/worker-call.mjs'
import { foldTrade } from '../payloads/trade.mjs'

const tally = createTimedTally(foldTrade)

workerData.port.on('message', tally.take)

serve({ expect: tally.expect, complete: tally.complete, report: tally.report })
