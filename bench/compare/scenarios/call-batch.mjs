// How many calls to a worker can the main thread make in a second, a thousand at once?
//
//     main thread ════ { id, a, b } × 1000 ════▶ worker      the next thousand after the last
//                 ◀════ { id, sum } × 1000 ═════             answer: `await Promise.all(calls)`
//
// Each answer is matched to its question and checked. `flyshuttle-each` asks each thousand in one
// `requestEach`.

import { BASELINES, callContenders } from '../lib/call-contenders.mjs'

/** @type {import('../../lib/scenarios.mjs').Scenario} */
export default {
  name: 'call-batch',
  title: 'calls to a worker, 1,000 at once',
  question: 'the main thread calls a worker, batches of 1,000',
  unit: 'requests/s',
  baselines: BASELINES,
  contenders: {
    ...callContenders({ inFlight: 1000, isBatched: true }),
    'flyshuttle-each': async (options) => {
      const { calls } = await import('../../contenders/flyshuttle-calls.mjs')
      return calls({ addon: true, inFlight: 1000, perCall: 1000 }, options)
    },
  },
}
