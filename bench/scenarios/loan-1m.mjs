// How many blocks of 1 MiB go from one thread to another in a second, when nobody need copy them?
//
//     main thread (conducts, sleeps)
//
//     producer ─────────── block, block, block, … ──────────▶ consumer
//     on thread 1          one way, flow controlled           on thread 2
//
// `flyshuttle-loan` lends a block, publishes it and reads it in place; `flyshuttle` publishes a
// Uint8Array and hands over a copy. `postMessage` copies; `postMessage-transfer` gives away memory
// of its own for each message; `postMessage-transfer-back` gets it back from the receiver and fills
// it again, which is the best that can be done with it. `payloads/frame.mjs` says what is in them.

import { flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'loan-1m',
  title: '1 MiB, one to one',
  question: 'a block of 1 MiB, from one thread to another',
  unit: 'messages/s',
  baselines: ['postMessage', 'postMessage-transfer-back'],
  threads: 2,
  contenders: flowContenders({ payload: 'frame-1m' }, [
    'flyshuttle-loan',
    'flyshuttle-loan-js',
    'flyshuttle',
    'postMessage',
    'postMessage-transfer',
    'postMessage-transfer-back',
  ]),
}
