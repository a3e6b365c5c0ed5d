// How many calls to a worker can the main thread make in a second, with a thousand callers?
//
//     main thread ════ { id, a, b } × 1000 in flight ════▶ worker
//                 ◀════════════ { id, sum } ══════════════
//
// Each caller asks again as soon as it has its answer, so the thousand never wait for the slowest.

import { BASELINES, callContenders } from '../lib/call-contenders.mjs'

/** @type {import('../../lib/scenarios.mjs').Scenario} */
export default {
  name: 'call-pipelined',
  title: 'calls to a worker, 1,000 in flight',
  question: 'the main thread calls a worker, 1,000 in flight',
  unit: 'requests/s',
  baselines: BASELINES,
  contenders: callContenders({ inFlight: 1000 }),
}
