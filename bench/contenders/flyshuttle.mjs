// Flyshuttle: agents, each on a worker thread of its own. The main thread only conducts, and sleeps
// while they talk.

import { createEngine } from 'flyshuttle'
import { ASK, COMPLETE, EXPECT, partOf, PRODUCE, REPORT } from '../agents/messages.mjs'
import { measureFlow } from '../lib/flow.mjs'
import { measure } from '../lib/measure.mjs'
import { passOf } from '../lib/pass.mjs'

/**
 * @typedef {import('../lib/measure.mjs').Options} Options
 * @typedef {import('../lib/pass.mjs').ExpectedSum} ExpectedSum
 */

/** Longer than the harness waits for a whole process. */
const TIMEOUT_MS = 600_000

/**
 * Agents that publish and agents that receive, each on a thread of its own.
 *
 * @param {import('../lib/flow.mjs').Flow & { addon: boolean, producer?: string,
 *   consumer?: string }} what the files of the agents that produce and consume, 'producer' and
 *   'consumer' unless given
 * @param {Options} options
 */
export function flow(
  {
    addon,
    payload,
    producers = 1,
    consumers = 1,
    producer = 'producer',
    consumer = 'consumer',
  },
  options,
) {
  const agents = (file, count) =>
    Array.from({ length: count }, (_, part) => ({ file, config: { payload, part, producers } }))
  const started = [...agents(consumer, consumers), ...agents(producer, producers)]
  return withAgents(addon, started, (call) => {
    const each = (count, subject) =>
      Array.from({ length: count }, (_, part) => (job) => call(partOf(subject, part), job))
    const sides = {
      produce: each(producers, PRODUCE),
      expect: each(consumers, EXPECT),
      complete: each(consumers, COMPLETE),
      report: each(consumers, REPORT),
    }
    return measureFlow(payload, sides, options)
  })
}

/**
 * One agent asks, the other answers.
 *
 * @param {{ addon: boolean, inFlight: number, perCall?: number, expectedSum: ExpectedSum }} what
 *   with `perCall`, so many questions are asked in one call
 * @param {Options} options
 */
export function requestReply({ addon, inFlight, perCall, expectedSum }, options) {
  const requester = perCall === undefined ? 'requester' : 'each-requester'
  return withAgents(addon, ['responder', requester], (call) =>
    measure(options, async (job) => {
      const report = await call(ASK, { ...job, inFlight, perCall })
      return passOf(job, report.startNs, report, expectedSum)
    }),
  )
}

/**
 * Runs `work` with the agents of `bench/agents/`, each on a thread of its own.
 *
 * @param {boolean} addon
 * @param {readonly (string | { file: string, config: unknown })[]} names
 * @param {(call: (subject: any, value?: unknown) => Promise<any>) => Promise<any>} work
 */
export async function withAgents(addon, names, work) {
  /** @type {unknown[]} */
  const errors = []
  let engine
  try {
    engine = await createEngine({
      threads: names.length,
      addon,
      onError: (error) => errors.push(error),
    })
  } catch (error) {
    if (error.code === 'ERR_ADDON_MISSING') return { notRun: 'the native addon is not built' }
    throw error
  }
  try {
    for (const [index, name] of names.entries()) {
      const { file, config } = typeof name === 'string' ? { file: name } : name
      const url = new URL(`../agents/${file}.mjs`, import.meta.url)
      await engine.spawn(`${file}-${index}`, url, { thread: index + 1, config })
    }
    const call = (subject, value) => engine.request(subject, value, { timeoutMs: TIMEOUT_MS })
    const result = await work(call)
    if (errors.length > 0) throw errors[0]
    return result
  } finally {
    await engine.close()
  }
}
