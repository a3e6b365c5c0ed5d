// How many Uint8Arrays of 64 KiB go from one thread to another in a second?
//
//     main thread (conducts, sleeps)
//
//     producer ─────────── bytes, bytes, bytes, … ──────────▶ consumer
//     on thread 1          one way, flow controlled           on thread 2
//
// The sender fills the same array anew for each message; `postMessage-transfer` makes a copy of it
// and gives the copy away. There is no batched contender: 128 of these in one array are 8 MiB.
// `payloads/bytes.mjs` says what is in them and how it is checked.

import { cppLimit, flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-to-one-bytes-64k',
  title: '64 KiB of bytes, one to one',
  question: 'a Uint8Array of 64 KiB, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: {
    ...flowContenders({ payload: 'bytes-64k' }, [
      'flyshuttle',
      'flyshuttle-js',
      'postMessage',
      'postMessage-transfer',
      'BroadcastChannel',
    ]),
    'cpp-limit': cppLimit(65_536),
  },
}
