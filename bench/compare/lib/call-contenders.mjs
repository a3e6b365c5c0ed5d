// Who takes part in the scenarios of calls: the same contenders, each way of calling.

import { withPeer } from './peers.mjs'

const KNITTING_REMEDY = 'npm install --no-save knitting in bench/compare'

/**
 * @param {{ inFlight: number, isBatched?: boolean }} how
 * @returns {import('../../lib/scenarios.mjs').Scenario['contenders']}
 */
export function callContenders(how) {
  const flyshuttle = (addon) => async (options) => {
    const { calls } = await import('../../contenders/flyshuttle-calls.mjs')
    return calls({ ...how, addon }, options)
  }
  const knitting = (asNumbers) => (options) =>
    withPeer(
      'knitting',
      () => import('../contenders/knitting.mjs'),
      ({ calls }) => calls({ ...how, asNumbers }, options),
      KNITTING_REMEDY,
    )
  const socketed = (name) => (options) =>
    withPeer(
      name,
      () => import(`../peers/${name}.mjs`),
      async (peer) => {
        const { calls } = await import('./broker.mjs')
        return calls(peer, name, how, options)
      },
    )
  return {
    flyshuttle: flyshuttle(true),
    'flyshuttle-js': flyshuttle(false),
    knitting: knitting(false),
    'knitting-f64': knitting(true),
    postMessage: async (options) => {
      const { calls } = await import('../../contenders/post-message-calls.mjs')
      return calls(how, options)
    },
    zeromq: socketed('zeromq'),
    nats: socketed('nats'),
    'moleculer-tcp': socketed('moleculer'),
    'moleculer-local': (options) =>
      withPeer(
        'moleculer',
        () => import('../peers/moleculer.mjs'),
        async (peer) => {
          const { localCalls } = await import('./broker.mjs')
          return localCalls(peer, how, options)
        },
      ),
  }
}

/** What the others are compared to. */
export const BASELINES = ['postMessage', 'knitting', 'knitting-f64']
