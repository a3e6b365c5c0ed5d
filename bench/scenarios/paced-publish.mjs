// How late does a message arrive, when messages are sent at a given rate?
//
//     producer ── trade ──────── trade ──────── trade ─────▶ consumer
//     thread 1    at 0           at 1/rate      at 2/rate    thread 2
//
// One way and in an open loop: message n is due at n/rate whatever became of the others, and its
// latency runs from then until the handler has it. The main thread conducts and sleeps.

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'publish',
  title: 'messages at a given rate',
  question: 'a struct of 40 bytes, one way, from when it was due to its handler',
  unit: 'messages/s',
  baselines: [],
  contenders: {
    flyshuttle: async (options) => {
      const { publish } = await import('../contenders/flyshuttle-paced.mjs')
      return publish({ addon: true }, options)
    },
    'flyshuttle-js': async (options) => {
      const { publish } = await import('../contenders/flyshuttle-paced.mjs')
      return publish({ addon: false }, options)
    },
    postMessage: async (options) => {
      const { publish } = await import('../contenders/post-message-paced.mjs')
      return publish(options)
    },
  },
}
