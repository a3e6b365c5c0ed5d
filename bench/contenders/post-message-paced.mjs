// Plain Node in the open loop: two workers with a MessageChannel, the first speaks at a given rate.

import { untilCompleteOrLate } from '../lib/deadline.mjs'
import { measurePaced } from '../lib/paced.mjs'
import { passOf } from '../lib/pass.mjs'
import { expectedAnswerSum } from '../payloads/question.mjs'
import { expectedTradeSum } from '../payloads/trade.mjs'
import { withWorkers } from './post-message.mjs'

/** @param {import('../lib/paced.mjs').Options} options */
export function publish(options) {
  const files = ['post-timed-consumer.mjs', 'post-paced-producer.mjs']
  return withWorkers(files, {}, ([consumer, producer]) =>
    measurePaced(options, async (job) => {
      await consumer.call('expect', job)
      await producer.call('produce', job)
      await untilCompleteOrLate(consumer.call('complete'))
      return passOf(job, job.startNs, await consumer.call('report'), expectedTradeSum)
    }),
  )
}

/** @param {import('../lib/paced.mjs').Options} options */
export function request(options) {
  const files = ['post-timed-responder.mjs', 'post-paced-requester.mjs']
  return withWorkers(files, {}, ([responder, requester]) =>
    measurePaced(options, async (job) => {
      await responder.call('expect', job)
      const report = await requester.call('ask', job)
      const { asleep } = await responder.call('report')
      const pass = passOf(job, job.startNs, report, expectedAnswerSum)
      return { ...pass, latency: { ...report.latency, asleep } }
    }),
  )
}
