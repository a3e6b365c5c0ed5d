// How long does the main thread wait for an answer from a worker, one call at a time?
//
//     main thread ──── { id, a, b } ────▶ worker        the next one after the answer
//                 ◀──── { id, sum } ─────
//
// This is how a worker pool is used, so the main thread asks here, for every contender. Each round
// trip is timed, each answer checked.

import { BASELINES, callContenders } from '../lib/call-contenders.mjs'

/** @type {import('../../lib/scenarios.mjs').Scenario} */
export default {
  name: 'call-serial',
  title: 'calls to a worker, one at a time',
  question: 'the main thread calls a worker, one call at a time',
  unit: 'requests/s',
  baselines: BASELINES,
  contenders: callContenders({ inFlight: 1 }),
}
