// The ways in which plain Node carries messages from workers to workers, by name. Each has a side
// that sends and one that receives; flow control is the same for all (`credit.mjs`).
//
// A wire sends `batch` messages at once: as they are when it is 1, otherwise as an array. Where a
// wire needs `own` memory, the producer makes a value that nobody else will write to.

import { BroadcastChannel } from 'node:worker_threads'

/** Messages per array of what is batched. */
export const BATCH = 128

/**
 * @typedef {import('node:worker_threads').MessagePort} Port
 * @typedef {object} Wire
 * @property {number} batch
 * @property {boolean} own
 * @property {(ports: readonly Port[], producer: number) => (posted: any) => void} open the
 *   producer's side: what posts to all consumers
 * @property {(ports: readonly Port[], take: (posted: any, producer: number) => void) => void}
 *   listen the consumer's side; `ports` are those of the producers
 */

/** A port to each consumer. */
const port = {
  /** @param {readonly Port[]} ports */
  open(ports) {
    if (ports.length === 1) return (posted) => ports[0].postMessage(posted)
    return (posted) => {
      for (let index = 0; index < ports.length; index++) ports[index].postMessage(posted)
    }
  },
  /** @param {readonly Port[]} ports */
  listen(ports, take) {
    for (const [producer, port] of ports.entries()) {
      port.on('message', (posted) => take(posted, producer))
    }
  },
}

/** @type {Record<string, Wire>} */
export const WIRES = {
  port: { batch: 1, own: false, ...port },
  'port-batched': { batch: BATCH, own: true, ...port },

  /** The buffer moves and is not copied; to one consumer only, for it can move only once. */
  'port-transfer': {
    batch: 1,
    own: true,
    open: (ports) => (posted) => ports[0].postMessage(posted, [posted.buffer]),
    listen: port.listen,
  },

  /** The same, and the receiver sends each buffer back, to be filled again. */
  'port-transfer-back': {
    batch: 1,
    own: true,
    open(ports) {
      const spares = []
      ports[0].on('message', (value) => typeof value !== 'number' && spares.push(value))
      const post = (posted) => ports[0].postMessage(posted, [posted.buffer])
      return Object.assign(post, { spare: () => spares.pop() })
    },
    listen(ports, take) {
      for (const [producer, port] of ports.entries()) {
        port.on('message', (posted) => {
          take(posted, producer)
          port.postMessage(posted, [posted.buffer])
        })
      }
    },
  },

  /** One channel for each producer: on a common one they would have to hear each other. */
  broadcast: {
    batch: 1,
    own: false,
    open(ports, producer) {
      const channel = new BroadcastChannel(channelOf(producer))
      return (posted) => channel.postMessage(posted)
    },
    listen(ports, take) {
      for (const producer of ports.keys()) {
        const channel = new BroadcastChannel(channelOf(producer))
        channel.onmessage = (event) => take(event.data, producer)
      }
    },
  },
}

function channelOf(producer) {
  return `bench.${producer}`
}
