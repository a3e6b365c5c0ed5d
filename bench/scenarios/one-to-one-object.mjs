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

import { flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-to-one-object',
  title: 'small object, one to one',
  question: 'an object { id, topic, price, qty, user }, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: flowContenders({ payload: 'tick' }, [
    'flyshuttle',
    'flyshuttle-js',
    'postMessage',
    'postMessage-batched',
    'BroadcastChannel',
  ]),
}
