// How many records of 40 bytes go from one thread to another in a second?
//
//     main thread (conducts, sleeps)
//
//     producer ─────────── trade, trade, trade, … ──────────▶ consumer
//     agent or worker      one way, flow controlled           agent or worker
//     on thread 1                                             on thread 2
//
// Counted from the first publish to the last call of the handler, which sums every field. A fresh
// object per message on the sending side, for all of them. `cpp-limit` is two C++ threads and no
// JavaScript: what is left to win.

import { expectedTradeSum } from '../payloads/trade.mjs'

const what = { payload: 'trade', expectedSum: expectedTradeSum }

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-to-one-struct',
  question: 'a struct of 40 bytes, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage', 'cpp-limit'],
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
    'cpp-limit': async (options) => {
      const { oneToOne } = await import('../contenders/cpp-limit.mjs')
      return oneToOne({ payloadBytes: 40 }, options)
    },
  },
}
