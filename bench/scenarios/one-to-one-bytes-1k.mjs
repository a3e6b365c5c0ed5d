// How many Uint8Arrays of 1 KiB go from one thread to another in a second?
//
//     main thread (conducts, sleeps)
//
//     producer ─────────── bytes, bytes, bytes, … ──────────▶ consumer
//     on thread 1          one way, flow controlled           on thread 2
//
// The sender fills the same array anew for each message. The batched contender, whose arrays wait
// for others, and `postMessage-transfer`, which gives its buffer away, make a copy of each.
// `payloads/bytes.mjs` says what is in them and how it is checked.

import { cppLimit, flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-to-one-bytes-1k',
  title: '1 KiB of bytes, one to one',
  question: 'a Uint8Array of 1 KiB, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: {
    ...flowContenders({ payload: 'bytes-1k' }, [
      'flyshuttle',
      'flyshuttle-js',
      'postMessage',
      'postMessage-batched',
      'postMessage-transfer',
      'BroadcastChannel',
    ]),
    'cpp-limit': cppLimit(1024),
  },
}
