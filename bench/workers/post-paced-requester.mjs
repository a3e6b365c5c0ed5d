// Asks over a MessagePort, each question at its time. Answers find their callers by `id`.

import { workerData } from 'node:worker_threads'
import { askPaced } from '../lib/ask-paced.mjs'
import { serve } from '../lib/worker-call.mjs'

const { port } = workerData

/** @type {Map<number, (answer: { id: number, sum: number }) => void>} */
const pending = new Map()

port.on('message', (answer) => {
  const resolve = pending.get(answer.id)
  pending.delete(answer.id)
  resolve?.(answer)
})

function request(question) {
  return new Promise((resolve) => {
    pending.set(question.id, resolve)
    port.postMessage(question)
  })
}

serve({ ask: (job) => askPaced(request, job) })
