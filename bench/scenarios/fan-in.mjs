// How many messages does one thread take in a second, when three others send to it?
//
//     producer 0 ── trade 0, 3, 6, … ──╮
//     producer 1 ── trade 1, 4, 7, … ──┼──▶ consumer
//     producer 2 ── trade 2, 5, 8, … ──╯
//
// Four threads, and the main thread conducts. The order of each producer is checked by itself; the
// sum is that of all. `postMessage` has a channel and a window for each producer.

import { flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'fan-in',
  title: '40-byte struct, three to one',
  question: 'a struct of 40 bytes, from three threads to one',
  unit: 'messages/s',
  baselines: ['postMessage'],
  threads: 4,
  contenders: flowContenders({ payload: 'trade', producers: 3 }, [
    'flyshuttle',
    'flyshuttle-js',
    'postMessage',
    'postMessage-batched',
    'BroadcastChannel',
  ]),
}
