// Peers that carry messages by sockets, each in `peers/`: how they are measured, the same for all.
//
//     calls    main thread ── question ─▶ worker          flow    worker ── tick ─▶ worker
//                          ◀── answer ──
//
// Peers without flow control get the window that plain postMessage gets; its acknowledgements go
// over a MessagePort, for every peer.

import { MessageChannel } from 'node:worker_threads'
import { measureCalls } from '../../lib/calls.mjs'
import { untilCompleteOrLate } from '../../lib/deadline.mjs'
import { measure } from '../../lib/measure.mjs'
import { passOf } from '../../lib/pass.mjs'
import { startWorker } from '../../lib/worker-call.mjs'
import { answerTo } from '../../payloads/question.mjs'
import { expectedTickSum } from '../../payloads/tick.mjs'

/**
 * @typedef {{ close(): unknown }} Closable
 * @typedef {object} Peer
 * @property {() => Promise<(Closable & { address: string }) | { notRun: string }>} open what both
 *   sides need first, and where they meet
 * @property {(address: string, take: (value: any) => void) => Promise<Closable>} openReceiver
 * @property {(address: string) => Promise<Closable & { send: (value: object) => unknown }>}
 *   openSender a promise: await it before the next message
 * @property {(address: string, answerTo: Function) => Promise<Closable>} openResponder
 * @property {(address: string) => Promise<import('../../lib/calls.mjs').Calls>} openRequester
 * @property {(answerTo: Function) => Promise<import('../../lib/calls.mjs').Calls>} [openLocal]
 */

const FILE = '../compare/workers/peer.mjs'

/**
 * @param {Peer} peer
 * @param {string} name of its file
 * @param {{ inFlight: number, isBatched?: boolean }} how
 * @param {import('../../lib/measure.mjs').Options} options
 */
export function calls(peer, name, how, options) {
  return withPlace(peer, async ({ address }) => {
    const worker = startWorker(FILE, { name, address, side: 'responder' }, [])
    try {
      await worker.call('open')
      return await measureCalls(await peer.openRequester(address), how, options)
    } finally {
      await stop(worker)
    }
  })
}

/** The same where caller and service share the main thread. */
export async function localCalls(peer, how, options) {
  return measureCalls(await peer.openLocal(answerTo), how, options)
}

/**
 * Ticks from one worker to another.
 *
 * @param {Peer} peer
 * @param {string} name of its file
 * @param {import('../../lib/measure.mjs').Options} options
 */
export function flow(peer, name, options) {
  return withPlace(peer, async ({ address }) => {
    const { port1, port2 } = new MessageChannel()
    const start = (side, port) => startWorker(FILE, { name, address, side, port }, [port])
    const receiver = start('receiver', port1)
    const sender = start('sender', port2)
    try {
      await receiver.call('open')
      await sender.call('open')
      return await measure(options, async (job) => {
        await receiver.call('expect', job)
        const { startNs } = await sender.call('produce', job)
        await untilCompleteOrLate(receiver.call('complete'))
        return passOf(job, startNs, await receiver.call('report'), expectedTickSum)
      })
    } finally {
      await stop(sender)
      await stop(receiver)
    }
  })
}

async function withPlace(peer, work) {
  const place = await peer.open()
  if ('notRun' in place) return place
  try {
    return await work(place)
  } finally {
    await place.close()
  }
}

/**
 * A worker whose sockets are open may take the process with it when it is terminated, so they are
 * closed first. One that has failed cannot answer.
 */
async function stop(worker) {
  await untilCompleteOrLate(worker.call('close'))
  await worker.stop()
}
