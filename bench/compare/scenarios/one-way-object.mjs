// How many small objects go from one worker to another in a second?
//
//     worker ── { id, topic, price, qty, user }, … ──▶ worker
//
// The scenario `one-to-one-object`, with peers. Those that carry bytes carry the object as JSON.

import { withPeer } from '../lib/peers.mjs'

const socketed = (name) => (options) =>
  withPeer(
    name,
    () => import(`../peers/${name}.mjs`),
    async (peer) => {
      const { flow } = await import('../lib/broker.mjs')
      return flow(peer, name, options)
    },
  )

/** @type {import('../../lib/scenarios.mjs').Scenario} */
export default {
  name: 'one-way-object',
  title: 'objects from one worker to another',
  question: 'an object { id, topic, price, qty, user }, from one worker to another',
  unit: 'messages/s',
  baselines: ['postMessage'],
  contenders: {
    flyshuttle: async (options) => {
      const { flow } = await import('../../contenders/flyshuttle.mjs')
      return flow({ payload: 'tick', addon: true }, options)
    },
    'flyshuttle-js': async (options) => {
      const { flow } = await import('../../contenders/flyshuttle.mjs')
      return flow({ payload: 'tick', addon: false }, options)
    },
    postMessage: async (options) => {
      const { flow } = await import('../../contenders/post-message.mjs')
      return flow({ payload: 'tick', wire: 'port' }, options)
    },
    zeromq: socketed('zeromq'),
    nats: socketed('nats'),
    'moleculer-tcp': socketed('moleculer'),
  },
}
