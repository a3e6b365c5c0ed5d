// Flyshuttle in the open loop: two agents on two threads, the first speaks at a given rate.

import { ASK, COMPLETE, EXPECT, PRODUCE, REPORT } from '../agents/messages.mjs'
import { untilCompleteOrLate } from '../lib/deadline.mjs'
import { measurePaced } from '../lib/paced.mjs'
import { passOf } from '../lib/pass.mjs'
import { expectedAnswerSum } from '../payloads/question.mjs'
import { expectedTradeSum } from '../payloads/trade.mjs'
import { withAgents } from './flyshuttle.mjs'

/**
 * @param {{ addon: boolean }} what
 * @param {import('../lib/paced.mjs').Options} options
 */
export function publish({ addon }, options) {
  return withAgents(addon, ['timed-consumer', 'paced-producer'], (call) =>
    measurePaced(options, async (job) => {
      await call(EXPECT, job)
      await call(PRODUCE, job)
      await untilCompleteOrLate(call(COMPLETE))
      return passOf(job, job.startNs, await call(REPORT), expectedTradeSum)
    }),
  )
}

/**
 * @param {{ addon: boolean }} what
 * @param {import('../lib/paced.mjs').Options} options
 */
export function request({ addon }, options) {
  return withAgents(addon, ['timed-responder', 'paced-requester'], (call) =>
    measurePaced(options, async (job) => {
      await call(EXPECT, job)
      const report = await call(ASK, job)
      const { asleep } = await call(REPORT)
      const pass = passOf(job, job.startNs, report, expectedAnswerSum)
      return { ...pass, latency: { ...report.latency, asleep } }
    }),
  )
}
