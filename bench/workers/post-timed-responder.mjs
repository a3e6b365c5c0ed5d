// Answers questions that come over a MessagePort, and notes whether each one found it asleep.

import { workerData } from 'node:worker_threads'
import { createTiming } from '../lib/timing.mjs'
import { serve } from '../lib/worker-call.mjs'
import { answerTo } from '../payloads/question.mjs'

const { port } = workerData
const timing = createTiming()

port.on('message', (question) => {
  timing.take(question.id)
  port.postMessage(answerTo(question))
})

serve({ expect: timing.expect, report: timing.report })
