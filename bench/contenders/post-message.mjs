// Plain Node: workers with MessageChannels between them. The main thread only conducts.

import { MessageChannel } from 'node:worker_threads'
import { measureFlow } from '../lib/flow.mjs'
import { measure } from '../lib/measure.mjs'
import { passOf } from '../lib/pass.mjs'
import { startWorker } from '../lib/worker-call.mjs'

export { BATCH } from '../workers/wires.mjs'

/**
 * @typedef {import('../lib/measure.mjs').Options} Options
 * @typedef {import('../lib/pass.mjs').ExpectedSum} ExpectedSum
 */

/**
 * Workers that post and workers that receive. A channel joins each producer with each consumer:
 * messages travel on it, or only their acknowledgements when `wire` is 'broadcast'.
 *
 * @param {import('../lib/flow.mjs').Flow & { wire: string }} what `wire` is one of
 *   `workers/wires.mjs`
 * @param {Options} options
 */
export async function flow({ wire, payload, producers = 1, consumers = 1 }, options) {
  const producerPorts = Array.from({ length: producers }, () => [])
  const consumerPorts = Array.from({ length: consumers }, () => [])
  for (const mine of producerPorts) {
    for (const other of consumerPorts) {
      const { port1, port2 } = new MessageChannel()
      mine.push(port1)
      other.push(port2)
    }
  }
  const start = (file, part, ports) =>
    startWorker(file, { wire, payload, part, producers, ports }, ports)
  const received = consumerPorts.map((ports, part) => start('post-consumer.mjs', part, ports))
  const sent = producerPorts.map((ports, part) => start('post-producer.mjs', part, ports))
  const each = (workers, name) => workers.map((worker) => (job) => worker.call(name, job))
  const sides = {
    produce: each(sent, 'produce'),
    expect: each(received, 'expect'),
    complete: each(received, 'complete'),
    report: each(received, 'report'),
  }
  try {
    return await measureFlow(payload, sides, options)
  } finally {
    await Promise.all([...received, ...sent].map((worker) => worker.stop()))
  }
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
