// Posts trades over a MessagePort, each at its time. There is no flow control: the rate is given,
// and a run that cannot keep it is refused.

import { workerData } from 'node:worker_threads'
import { pace } from '../lib/pacer.mjs'
import { serve } from '../lib/worker-call.mjs'
import { tradeAt } from '../payloads/trade.mjs'

const { port } = workerData

serve({ produce: (job) => pace(job, (id) => void port.postMessage(tradeAt(id))) })
