// Asks over a MessagePort. Answers find their callers by `id`, as in any hand-written RPC.
//
// Batched: questions gather until there are `batch` of them or the turn of the event loop ends,
// whichever comes first. A lone question is not kept waiting, and a thousand callers fill arrays.

import { workerData } from 'node:worker_threads'
import { ask } from '../lib/ask.mjs'
import { serve } from '../lib/worker-call.mjs'

const { port, batch } = workerData

/** @type {Map<number, (answer: import('../lib/ask.mjs').Answer) => void>} */
const pending = new Map()
/** @type {import('../lib/ask.mjs').Question[]} */
let gathered = []

function settle(answer) {
  const resolve = pending.get(answer.id)
  pending.delete(answer.id)
  resolve?.(answer)
}

function sendGathered() {
  if (gathered.length === 0) return
  port.postMessage(gathered)
  gathered = []
}

function send(question) {
  if (batch === 1) {
    port.postMessage(question)
    return
  }
  if (gathered.length === 0) setImmediate(sendGathered)
  gathered.push(question)
  if (gathered.length === batch) sendGathered()
}

function request(question) {
  return new Promise((resolve) => {
    pending.set(question.id, resolve)
    send(question)
  })
}

port.on('message', (answered) => {
  if (batch === 1) settle(answered)
  else answered.forEach(settle)
})

serve({ ask: (job) => ask(request, job) })
