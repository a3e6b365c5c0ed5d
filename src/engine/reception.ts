// Where threads that somebody else made knock to join an engine, and how they do.
//
// A handle must be usable any number of times, in `workerData` without a transfer list: so it holds
// no port. The thread that joins sends one with `postMessageToThread`, which Node offers between
// any two threads of a process; the port then serves for the answer, and tells each end when the
// other is gone, however it ended. Thread 0 alone gives out places.

import workerThreads, { MessageChannel, type MessagePort } from 'node:worker_threads'
import { FlyshuttleError } from '../base/errors.js'
import { SPAWN_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { fromRecord, toRecord, type ErrorRecord } from '../codec/error-record.js'
import { HEADER_STATE } from '../memory/layout.js'
import type { Region } from '../memory/region.js'

/** The place that a thread gets. */
export interface Admission {
  readonly thread: number
  readonly incarnation: number
  readonly ids: number[]
}

interface Knock {
  readonly flyshuttle: 'join'
  readonly engineId: string
  readonly port: MessagePort
}

type Answer = Admission | { readonly error: ErrorRecord }

/** Engines of this thread that may be joined. */
const doors = new Map<string, Door>()

/** Where one engine lets threads in. */
export class Door {
  readonly #engineId: string
  readonly #state: Int32Array
  /** Gives a place to the thread behind the port, or throws. */
  readonly admit: (port: MessagePort) => Admission

  constructor(engineId: string, region: Region, admit: (port: MessagePort) => Admission) {
    this.#engineId = engineId
    this.#state = new Int32Array(region.memory, HEADER_STATE, 1)
    this.admit = admit
  }

  open(): void {
    if (doors.size === 0) process.on('workerMessage', onKnock)
    doors.set(this.#engineId, this)
  }

  /** Lets nobody in any more. */
  close(state: number): void {
    if (doors.delete(this.#engineId) && doors.size === 0) process.off('workerMessage', onKnock)
    // SYNC engine-state: pairs with engine-state in checkHandle. Whoever comes later sees it.
    Atomics.store(this.#state, 0, state)
  }
}

function onKnock(message: unknown): void {
  const { flyshuttle, engineId, port } = (message ?? {}) as Partial<Knock>
  // What the program sends itself is none of our business, nor is another copy of the package.
  if (flyshuttle !== 'join' || engineId === undefined || port === undefined) return
  const door = doors.get(engineId)
  if (door === undefined) return
  let answer: Answer
  try {
    answer = door.admit(port)
  } catch (error) {
    answer = { error: toRecord(error) }
  }
  port.postMessage(answer)
  if ('error' in answer) port.close()
}

/**
 * Asks the engine that `threadId` made for a place. The port stays open for as long as this thread
 * takes part.
 *
 * @throws (as rejection) ERR_CLOSED, ERR_THREAD_LIMIT, ERR_TIMEOUT when that thread is blocked,
 * ERR_JOIN_REFUSED when this Node cannot
 */
export async function knock(
  engineId: string,
  threadId: number,
): Promise<{ port: MessagePort; admission: Admission }> {
  // Not imported by name: a Node without it could not load this file.
  const { postMessageToThread } = workerThreads
  if (typeof postMessageToThread !== 'function') {
    const wanted = 'Node 20.19, 22.5 or later, which have postMessageToThread'
    throw new FlyshuttleError('ERR_JOIN_REFUSED', { found: `Node ${process.version}`, wanted })
  }
  const { port1: port, port2 } = new MessageChannel()
  const message: Knock = { flyshuttle: 'join', engineId, port: port2 }
  let timer: NodeJS.Timeout | undefined
  try {
    // The listener on the port keeps this thread alive meanwhile; what `postMessageToThread`
    // returns would not, so only its failure counts.
    const answer = await new Promise<Answer>((resolve, reject) => {
      port.once('message', resolve)
      port.once('close', () => reject(closed()))
      timer = setTimeout(() => {
        const data = { subject: '(join)', wanted: SPAWN_TIMEOUT_MS_DEFAULT }
        reject(new FlyshuttleError('ERR_TIMEOUT', data))
      }, SPAWN_TIMEOUT_MS_DEFAULT)
      // It fails when the thread has ended, or lets nobody join any more.
      postMessageToThread(threadId, message, [port2]).catch((error) => reject(closed(error)))
    })
    if ('error' in answer) throw fromRecord(answer.error)
    port.unref()
    return { port, admission: answer }
  } catch (error) {
    port.close()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function closed(cause?: unknown): FlyshuttleError {
  return new FlyshuttleError('ERR_CLOSED', { found: 'join' }, cause)
}
