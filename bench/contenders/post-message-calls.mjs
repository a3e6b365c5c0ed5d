// Plain Node used like a worker pool: the main thread asks a worker over a MessagePort. Answers
// find their callers by `id`, as in any hand-written RPC.

import { MessageChannel } from 'node:worker_threads'
import { measureCalls } from '../lib/calls.mjs'
import { startWorker } from '../lib/worker-call.mjs'

/**
 * @param {{ inFlight: number, isBatched?: boolean }} how
 * @param {import('../lib/measure.mjs').Options} options
 */
export function calls(how, options) {
  const { port1, port2 } = new MessageChannel()
  const worker = startWorker('post-responder.mjs', { batch: 1, port: port2 }, [port2])
  /** @type {Map<number, (answer: import('../lib/ask.mjs').Answer) => void>} */
  const pending = new Map()
  port1.on('message', (answer) => {
    const resolve = pending.get(answer.id)
    pending.delete(answer.id)
    resolve?.(answer)
  })
  const request = (question) =>
    new Promise((resolve) => {
      pending.set(question.id, resolve)
      port1.postMessage(question)
    })
  const close = async () => {
    port1.close()
    await worker.stop()
  }
  return measureCalls({ request, close }, how, options)
}
