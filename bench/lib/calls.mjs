// Calls from the main thread to a worker, which is how a worker pool is used.

import { expectedAnswerSum } from '../payloads/question.mjs'
import { ask } from './ask.mjs'
import { measure } from './measure.mjs'
import { passOf } from './pass.mjs'

/**
 * @typedef {object} Calls what a contender brings
 * @property {(question: import('./ask.mjs').Question) => Promise<any>} request
 * @property {(answered: any) => import('./ask.mjs').Answer} [answerOf] its answer, if not as it is
 * @property {() => unknown} close
 */

/**
 * Measures, and closes.
 *
 * @param {Calls} calls
 * @param {{ inFlight: number, isBatched?: boolean, perCall?: number }} how
 * @param {import('./measure.mjs').Options} options
 */
export async function measureCalls({ request, answerOf, close }, how, options) {
  try {
    return await measure(options, async (job) => {
      const report = await ask(request, { ...job, ...how }, answerOf)
      return passOf(job, report.startNs, report, expectedAnswerSum)
    })
  } finally {
    await close()
  }
}
