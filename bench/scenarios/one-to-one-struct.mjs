// How many records of 40 bytes go from one thread to another in a second?
//
//     main thread (conducts, sleeps)
//
//     producer ─────────── trade, trade, trade, … ──────────▶ consumer
//     agent or worker      one way, flow controlled           agent or worker
//     on thread 1                                             on thread 2
//
// Counted from the first publish to the last call of the handler, which sums every field. A fresh
// object per message on the sending side, for all of them but `flyshuttle-publisher`, which hands
// the same fields to `context.publisher()` as arguments. `cpp-limit` is two C++ threads and no
// JavaScript: what is left to win.

import { cppLimit, flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-to-one-struct',
  title: '40-byte struct, one to one',
  question: 'a struct of 40 bytes, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage', 'cpp-limit'],
  threads: 2,
  contenders: {
    ...flowContenders({ payload: 'trade' }, [
      'flyshuttle',
      'flyshuttle-publisher',
      'flyshuttle-js',
      'postMessage',
      'postMessage-batched',
      'BroadcastChannel',
    ]),
    'cpp-limit': cppLimit(40),
  },
}
