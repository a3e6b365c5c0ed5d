// How late does an answer arrive, when questions are asked at a given rate?
//
//     requester ── question ─▶ responder      a question at 0, 1/rate, 2/rate, …
//     thread 1  ◀── answer ─── thread 2       whether or not the last one was answered
//
// An open loop: the latency of an answer runs from when its question was due until the caller has
// it. Whether the receiver slept is observed at the responder. The main thread conducts and sleeps.

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'request',
  title: 'questions at a given rate',
  question: 'a question and its answer, from when the question was due to the answer',
  unit: 'requests/s',
  baselines: [],
  contenders: {
    flyshuttle: async (options) => {
      const { request } = await import('../contenders/flyshuttle-paced.mjs')
      return request({ addon: true }, options)
    },
    'flyshuttle-js': async (options) => {
      const { request } = await import('../contenders/flyshuttle-paced.mjs')
      return request({ addon: false }, options)
    },
    postMessage: async (options) => {
      const { request } = await import('../contenders/post-message-paced.mjs')
      return request(options)
    },
  },
}
