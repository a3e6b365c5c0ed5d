// How a thread that somebody else made takes part in an engine: a worker of a pool, of a framework,
// or one's own.
//
// `engine.handle()` makes the handle, plain data for `workerData` or `postMessage`; `join` turns it
// into a bus in the other thread. From then on that thread is a thread like the engine's own, with
// links to all others; only who ends it differs.

import { threadId } from 'node:worker_threads'
import { FlyshuttleError, describe } from '../base/errors.js'
import { CLOSE_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { EngineState, HEADER_STATE } from '../memory/layout.js'
import { openRegion } from '../memory/region.js'
import { checkTimeoutMs } from '../routing/requests.js'
import { LEFT, type EngineBoot } from './control.js'
import { Endpoint } from './endpoint.js'
import { Member } from './member.js'
import { enterEngine, leaveEngine } from './memberships.js'
import { checkKeys } from '../base/checks.js'
import { knock } from './reception.js'
import { withDeadline } from './with-deadline.js'

/** Moves when versions of the package cannot share an engine, though the layout is the same. */
export const HANDLE_VERSION = 1

/**
 * What a thread needs to join an engine: plain data that may be cloned any number of times. Made by
 * `engine.handle()`. Its parts are nobody's business.
 */
export interface JoinHandle extends EngineBoot {
  readonly flyshuttle: 'engine'
  readonly version: number
  /** The thread that made the engine. */
  readonly threadId: number
}

/**
 * Takes part in an engine from a thread that somebody else made. Resolves when this thread can
 * publish, request, subscribe and answer, as the engine's own threads can.
 *
 * Join once in each thread, at the top of the worker's file, and keep the result. A thread that
 * listens stays alive, as one that listens on its `parentPort` does.
 *
 * @throws (as rejection) ERR_HANDLE_INVALID, ERR_JOIN_REFUSED in the engine's own threads and for a
 * second join, ERR_THREAD_LIMIT when no place is free (see the option `threadsMax`), ERR_CLOSED,
 * ERR_LAYOUT_MISMATCH for a handle of another version, ERR_ADDON_MISSING, ERR_TIMEOUT when the
 * engine's thread is blocked
 * @example
 * // new Worker(file, { workerData: { fly: engine.handle() } }), and in the file:
 * const bus = await join(workerData.fly)
 * await bus.handle('resize', (picture) => resize(picture))
 */
export async function join(handle: JoinHandle): Promise<JoinedBus> {
  const { engineId } = checkHandle(handle)
  enterEngine(engineId)
  try {
    const { port, admission } = await knock(engineId, handle.threadId)
    try {
      // Where the thread runs is its owner's business; its inbox comes from the node of its place.
      const node = handle.slots[admission.thread]?.node ?? -1
      const member = new Member({ ...handle, ...admission }, { cpus: null, node })
      const { bus, placed } = member
      bus.onClose(() => {
        leaveEngine(engineId)
        // When this part has ended to the last word: the place may have a successor then.
        queueMicrotask(() => port.postMessage(LEFT))
      })
      const gone = new Promise<void>((resolve) => port.once('close', resolve))
      // The engine has closed, or its thread is gone: nobody else would tell.
      port.once('close', () => bus.close())
      port.postMessage(placed)
      return new JoinedBus(member, gone)
    } catch (error) {
      port.close()
      throw error
    }
  } catch (error) {
    leaveEngine(engineId)
    throw error
  }
}

function checkHandle(handle: JoinHandle): JoinHandle {
  if (handle?.flyshuttle !== 'engine' || !(handle.memory instanceof SharedArrayBuffer)) {
    const wanted = 'what engine.handle() returned, such as workerData.fly'
    throw new FlyshuttleError('ERR_HANDLE_INVALID', { found: describe(handle), wanted })
  }
  if (handle.version !== HANDLE_VERSION) {
    const data = { field: 'handle version', found: handle.version, wanted: HANDLE_VERSION }
    throw new FlyshuttleError('ERR_LAYOUT_MISMATCH', data)
  }
  const { views } = openRegion(handle.memory)
  // SYNC engine-state: pairs with engine-state in Door.close. Later the door itself refuses.
  if (Atomics.load(views.i32, HEADER_STATE >>> 2) !== EngineState.Open) {
    throw new FlyshuttleError('ERR_CLOSED', { found: 'join' })
  }
  if (handle.threadId === threadId) {
    const found = 'it made the engine'
    throw new FlyshuttleError('ERR_JOIN_REFUSED', { found, wanted: 'another thread' })
  }
  return handle
}

/** What a thread that joined can do: everything with messages, and leave. */
export class JoinedBus extends Endpoint {
  /** Index of this thread in the engine, as `info.thread` and `engine.threads` show it. */
  readonly thread: number
  /** Aborted when the engine begins to close: sources stop. */
  readonly signal: AbortSignal
  readonly #member: Member
  /** Resolves when the place is free. */
  readonly #gone: Promise<void>
  #left: Promise<void> | null = null

  /** Use `join`. */
  constructor(member: Member, gone: Promise<void>) {
    super(member.bus, { agent: 0, name: '' })
    this.thread = member.bus.thread
    this.signal = member.signal
    this.#member = member
    this.#gone = gone
  }

  /**
   * Ends this thread's part in order: subscriptions are withdrawn, what they have received is
   * handled, what waits for room is written; then its place is free. The thread itself goes on and
   * may join again. Without it, when the thread just ends, the engine notices too.
   *
   * Do not await it in a handler: it waits for that handler. Calling it again waits for the same
   * end.
   *
   * @throws (as rejection) ERR_TIMEOUT when that was not done within `timeoutMs` (default 5000);
   * the thread has left all the same
   */
  async leave(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    checkKeys('leave', options, ['timeoutMs'])
    const timeoutMs = checkTimeoutMs(options.timeoutMs ?? CLOSE_TIMEOUT_MS_DEFAULT)
    await (this.#left ??= this.#leave(timeoutMs))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  async #leave(timeoutMs: number): Promise<void> {
    const { agents, bus } = this.#member
    if (bus.isClosed) return
    const untilMs = bus.clock.nowMs() + timeoutMs
    const finish = async (): Promise<void> => {
      await agents.stopAll()
      await bus.unsubscribeAll()
      while (!bus.progress().isIdle && bus.clock.nowMs() < untilMs) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    try {
      await withDeadline('(leave)', finish(), timeoutMs)
    } finally {
      bus.close()
    }
    await withDeadline('(leave)', this.#gone, Math.max(1, untilMs - bus.clock.nowMs()))
  }
}
