// Answers questions that come over a MessagePort, singly or in arrays.

import { workerData } from 'node:worker_threads'
import { serve } from '../lib/worker-call.mjs'
import { answerTo } from '../payloads/question.mjs'

const { port, batch } = workerData

port.on('message', (asked) => port.postMessage(batch === 1 ? answerTo(asked) : asked.map(answerTo)))

serve({})
