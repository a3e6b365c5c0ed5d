// How many small objects go from one thread to another in a second, when nobody declared a schema?
//
//     main thread (conducts, sleeps)
//
//     producer ── { id, topic, price, qty, user }, … ───────▶ consumer
//     agent or worker      one way, flow controlled           agent or worker
//     on thread 1                                             on thread 2
//
// Flyshuttle carries them as msgpack, `postMessage` as structured clones. Counted as in
// `one-to-one-struct`.

import { expectedTickSum } from '../payloads/tick.mjs'

const what = { payload: 'tick', expectedSum: expectedTickSum }

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-to-one-object',
  question: 'an object { id, topic, price, qty, user }, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage'],
  contenders: {
    flyshuttle: async (options) => {
      const { oneToOne } = await import('../contenders/flyshuttle.mjs')
      return oneToOne({ ...what, addon: true }, options)
    },
    'flyshuttle-js': async (options) => {
      const { oneToOne } = await import('../contenders/flyshuttle.mjs')
      return oneToOne({ ...what, addon: false }, options)
    },
    postMessage: async (options) => {
      const { oneToOne } = await import('../contenders/post-message.mjs')
      return oneToOne({ ...what, batch: 1 }, options)
    },
    'postMessage-batched': async (options) => {
      const { oneToOne, BATCH } = await import('../contenders/post-message.mjs')
      return oneToOne({ ...what, batch: BATCH }, options)
    },
  },
}
