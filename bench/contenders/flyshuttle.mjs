// Flyshuttle: two agents, each on a worker thread of its own. The main thread only conducts, and
// sleeps while they talk.

import { createEngine } from 'flyshuttle'
import { ASK, COMPLETE, EXPECT, PRODUCE, REPORT } from '../agents/messages.mjs'
import { untilCompleteOrLate } from '../lib/deadline.mjs'
import { measure } from '../lib/measure.mjs'
import { passOf } from '../lib/pass.mjs'

/**
 * @typedef {import('../lib/measure.mjs').Options} Options
 * @typedef {import('../lib/pass.mjs').ExpectedSum} ExpectedSum
 */

/** Longer than the harness waits for a whole process. */
const TIMEOUT_MS = 600_000

/**
 * One agent publishes, the other receives.
 *
 * @param {{ addon: boolean, payload: string, expectedSum: ExpectedSum }} what
 * @param {Options} options
 */
export function oneToOne({ addon, payload, expectedSum }, options) {
  return withAgents(addon, [`${payload}-consumer`, `${payload}-producer`], (call) =>
    measure(options, async (job) => {
      await call(EXPECT, job)
      const { startNs } = await call(PRODUCE, job)
      await untilCompleteOrLate(call(COMPLETE))
      return passOf(job, startNs, await call(REPORT), expectedSum)
    }),
  )
}

/**
 * One agent asks, the other answers.
 *
 * @param {{ addon: boolean, inFlight: number, expectedSum: ExpectedSum }} what
 * @param {Options} options
 */
export function requestReply({ addon, inFlight, expectedSum }, options) {
  return withAgents(addon, ['responder', 'requester'], (call) =>
    measure(options, async (job) => {
      const report = await call(ASK, { ...job, inFlight })
      return passOf(job, report.startNs, report, expectedSum)
    }),
  )
}

/** Runs `work` with the agents of `bench/agents/`, each on a thread of its own. */
export async function withAgents(addon, names, work) {
  /** @type {unknown[]} */
  const errors = []
  let engine
  try {
    engine = await createEngine({ threads: 2, addon, onError: (error) => errors.push(error) })
  } catch (error) {
    if (error.code === 'ERR_ADDON_MISSING') return { notRun: 'the native addon is not built' }
    throw error
  }
  try {
    for (const [index, name] of names.entries()) {
      const file = new URL(`../agents/${name}.mjs`, import.meta.url)
      await engine.spawn(name, file, { thread: index + 1 })
    }
    const call = (subject, value) => engine.request(subject, value, { timeoutMs: TIMEOUT_MS })
    const result = await work(call)
    if (errors.length > 0) throw errors[0]
    return result
  } finally {
    await engine.close()
  }
}
