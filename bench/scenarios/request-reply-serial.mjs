// How long does one caller wait for an answer from another thread, and so how often can it ask?
//
//     requester ──── { id, a, b } ────▶ responder        one at a time:
//     thread 1  ◀──── { id, sum } ───── thread 2         the next one after the answer
//
// Every round trip is timed by the requester. The main thread conducts and sleeps; for piscina it
// is itself the requester, because that is how a pool is used.

import { expectedAnswerSum } from '../payloads/question.mjs'

const what = { inFlight: 1, expectedSum: expectedAnswerSum }

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'request-reply-serial',
  title: 'request and reply, one at a time',
  question: 'request and reply between two threads, one at a time',
  unit: 'requests/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: {
    flyshuttle: async (options) => {
      const { requestReply } = await import('../contenders/flyshuttle.mjs')
      return requestReply({ ...what, addon: true }, options)
    },
    'flyshuttle-js': async (options) => {
      const { requestReply } = await import('../contenders/flyshuttle.mjs')
      return requestReply({ ...what, addon: false }, options)
    },
    postMessage: async (options) => {
      const { requestReply } = await import('../contenders/post-message.mjs')
      return requestReply({ ...what, batch: 1 }, options)
    },
    piscina: async (options) => {
      const { requestReply } = await import('../contenders/piscina.mjs')
      return requestReply(what, options)
    },
  },
}
