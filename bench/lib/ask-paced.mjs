// The requester of every contender in the open loop: asks at the intended times without waiting for
// answers, and times each answer from when its question was due.

import { foldAnswer, questionAt } from '../payloads/question.mjs'
import { pace } from './pacer.mjs'
import { createTimedTally } from './timed-tally.mjs'

/**
 * @param {(question: import('./ask.mjs').Question) => Promise<import('./ask.mjs').Answer>} request
 * @param {import('./pacer.mjs').PacedJob} job
 */
export async function askPaced(request, job) {
  const tally = createTimedTally(foldAnswer)
  tally.expect(job)
  await new Promise((resolve, reject) => {
    tally.complete().then(resolve)
    pace(job, (id) => {
      request(questionAt(id)).then(tally.take).catch(reject)
    }).catch(reject)
  })
  return tally.report()
}
