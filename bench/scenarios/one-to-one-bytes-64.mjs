// How many Uint8Arrays of 64 bytes go from one thread to another in a second?
//
//     main thread (conducts, sleeps)
//
//     producer ─────────── bytes, bytes, bytes, … ──────────▶ consumer
//     on thread 1          one way, flow controlled           on thread 2
//
// The sender fills the same array anew for each message; the batched contender, whose arrays wait
// for others, makes a copy of each. `payloads/bytes.mjs` says what is in them and how it is
// checked.

import { cppLimit, flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-to-one-bytes-64',
  title: '64 bytes, one to one',
  question: 'a Uint8Array of 64 bytes, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: {
    ...flowContenders({ payload: 'bytes-64' }, [
      'flyshuttle',
      'flyshuttle-js',
      'postMessage',
      'postMessage-batched',
      'BroadcastChannel',
    ]),
    'cpp-limit': cppLimit(64),
  },
}
