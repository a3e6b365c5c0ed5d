// How many questions can one thread ask another in a second, when a thousand callers wait at once?
//
//     requester ═══ { id, a, b } × 1000 in flight ═══▶ responder
//     thread 1  ◀══════════ { id, sum } ══════════════ thread 2
//
// A thousand asynchronous callers on one thread, each with one request under way; each answer is
// matched to its question and checked. `flyshuttle-each` has four callers instead, each with 250
// questions under way in one `requestEach`. `postMessage-batched` gathers up to 128 questions per
// array and answers array by array. The main thread conducts and sleeps; for piscina it is the
// requester.

import { expectedAnswerSum } from '../payloads/question.mjs'

const what = { inFlight: 1000, expectedSum: expectedAnswerSum }

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'request-reply-pipelined',
  title: 'request and reply, 1,000 in flight',
  question: 'request and reply between two threads, 1,000 in flight',
  unit: 'requests/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: {
    flyshuttle: async (options) => {
      const { requestReply } = await import('../contenders/flyshuttle.mjs')
      return requestReply({ ...what, addon: true }, options)
    },
    'flyshuttle-each': async (options) => {
      const { requestReply } = await import('../contenders/flyshuttle.mjs')
      return requestReply({ ...what, addon: true, perCall: 250 }, options)
    },
    'flyshuttle-js': async (options) => {
      const { requestReply } = await import('../contenders/flyshuttle.mjs')
      return requestReply({ ...what, addon: false }, options)
    },
    postMessage: async (options) => {
      const { requestReply } = await import('../contenders/post-message.mjs')
      return requestReply({ ...what, batch: 1 }, options)
    },
    'postMessage-batched': async (options) => {
      const { requestReply, BATCH } = await import('../contenders/post-message.mjs')
      return requestReply({ ...what, batch: BATCH }, options)
    },
    piscina: async (options) => {
      const { requestReply } = await import('../contenders/piscina.mjs')
      return requestReply(what, options)
    },
  },
}
