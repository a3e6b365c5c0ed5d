// How many messages does a subscription that wants a tenth of them get in a second?
//
//     producer ── trade, trade, trade, … ──▶ consumer wants those with `flags` below 25
//                 25 of 256 are wanted
//
// `flyshuttle` says so with its subscription, `{ filter: { flags: { lt: 25 } } }`: the sender looks
// at the field and writes no other frame. `flyshuttle-handler` and the others get all of them and
// look in the handler. Counted are the wanted ones, from the first publish to the last of them.
//
// Each producer makes an object for every trade, which is most of what a trade costs that nobody
// wants. The two with `-publisher` make none, and are to be compared with each other.

import { flowContenders } from './flows.mjs'

const what = { payload: 'wanted-trade' }
const inHandler = flowContenders(what, ['flyshuttle', 'flyshuttle-publisher'])

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'filter-90',
  title: '40-byte struct, a tenth wanted',
  question: 'a struct of 40 bytes, to one that wants a tenth of them',
  unit: 'messages/s',
  baselines: ['postMessage', 'flyshuttle-handler', 'flyshuttle-publisher-handler'],
  threads: 2,
  contenders: {
    ...flowContenders({ ...what, consumer: 'filtering-consumer' }, [
      'flyshuttle',
      'flyshuttle-publisher',
      'flyshuttle-js',
    ]),
    'flyshuttle-handler': inHandler.flyshuttle,
    'flyshuttle-publisher-handler': inHandler['flyshuttle-publisher'],
    ...flowContenders(what, ['postMessage', 'postMessage-batched', 'BroadcastChannel']),
  },
}
