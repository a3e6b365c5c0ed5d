// How many deliveries are there in a second, when one thread publishes to three others?
//
//                                     ╭──▶ consumer 0
//     producer ── trade, trade, … ────┼──▶ consumer 1
//                                     ╰──▶ consumer 2
//
// Four threads, and the main thread conducts. Each consumer has to get every message, in order, and
// each delivery counts. The slowest consumer sets the pace, for nobody may fall behind without end.
// `postMessage` posts to each consumer; BroadcastChannel posts once.

import { flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'fan-out',
  title: '40-byte struct, one to three',
  question: 'a struct of 40 bytes, from one thread to three, each delivery counted',
  unit: 'deliveries/s',
  baselines: ['postMessage'],
  threads: 4,
  contenders: flowContenders({ payload: 'trade', consumers: 3 }, [
    'flyshuttle',
    'flyshuttle-js',
    'postMessage',
    'postMessage-batched',
    'BroadcastChannel',
  ]),
}
