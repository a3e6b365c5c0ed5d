// Plain Node: two workers with a MessageChannel between them. The main thread only conducts.

import { MessageChannel } from 'node:worker_threads'
import { untilCompleteOrLate } from '../lib/deadline.mjs'
import { measure } from '../lib/measure.mjs'
import { passOf } from '../lib/pass.mjs'
import { startWorker } from '../lib/worker-call.mjs'

/**
 * @typedef {import('../lib/measure.mjs').Options} Options
 * @typedef {import('../lib/pass.mjs').ExpectedSum} ExpectedSum
 */

/** Messages per array of the batched contenders. */
export const BATCH = 128

/**
 * One worker posts, the other receives.
 *
 * @param {{ batch: number, payload: string, expectedSum: ExpectedSum }} what
 * @param {Options} options
 */
export function oneToOne({ batch, payload, expectedSum }, options) {
  const files = ['post-consumer.mjs', 'post-producer.mjs']
  return withWorkers(files, { batch, payload }, ([consumer, producer]) =>
    measure(options, async (job) => {
      await consumer.call('expect', job)
      const { startNs } = await producer.call('produce', job)
      await untilCompleteOrLate(consumer.call('complete'))
      return passOf(job, startNs, await consumer.call('report'), expectedSum)
    }),
  )
}

/**
 * One worker asks, the other answers.
 *
 * @param {{ batch: number, inFlight: number, expectedSum: ExpectedSum }} what
 * @param {Options} options
 */
export function requestReply({ batch, inFlight, expectedSum }, options) {
  const files = ['post-responder.mjs', 'post-requester.mjs']
  return withWorkers(files, { batch }, ([, requester]) =>
    measure(options, async (job) => {
      const report = await requester.call('ask', { ...job, inFlight })
      return passOf(job, report.startNs, report, expectedSum)
    }),
  )
}

/** Runs `work` with two workers of `bench/workers/` and a channel between them. */
export async function withWorkers(files, data, work) {
  const { port1, port2 } = new MessageChannel()
  const ports = [port1, port2]
  const workers = files.map((file, index) =>
    startWorker(file, { ...data, port: ports[index] }, [ports[index]]),
  )
  try {
    return await work(workers)
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()))
  }
}
