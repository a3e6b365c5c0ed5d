// The threads of an engine, seen from the main thread: starting workers, admitting threads that
// somebody else made, and what an unexpected end entails.

import { Worker, type MessagePort } from 'node:worker_threads'
import { FlyshuttleError } from '../base/errors.js'
import { threadName } from '../base/events.js'
import { LINE_BYTES, SPAWN_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import {
  HEADER_DEATHS,
  INBOX_DEAD,
  INBOX_READY,
  INBOX_SLEEPING,
  ThreadState,
} from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import type { Placed } from '../placement/place.js'
import { LEFT, type EngineBoot, type ThreadBoot } from './control.js'
import { findThreadFile } from './thread-file.js'

/** One place for a thread. The place outlives the threads that take it, one after the other. */
export interface Place {
  readonly thread: number
  incarnation: number
  /** The thread on it, if the engine started it. */
  worker: Worker | null
  /** Or the port to one that somebody else made and that joined; it closes with that thread. */
  guest: MessagePort | null
  /** Kept for threads that the engine starts: one was here, and agents may want the next. */
  isOwn: boolean
  /** Settles when the thread takes part, or has failed to. */
  ready: Promise<void>
  /** Resolves when the thread has ended. */
  ended: Promise<void>
  /** Told to end: its exit is no death. */
  isClosing: boolean
  /** It had joined, and has said that it leaves. */
  hasLeft: boolean
  /** What came of its placement; null while no thread takes part. */
  placed: Placed | null
}

/** Whether a thread has the place, the engine's own or one that joined. */
export function isTaken(place: Place): boolean {
  return place.worker !== null || place.guest !== null
}

export interface ThreadsEvents {
  /** A thread has ended, in order or not: nobody else looks after what it left in the region. */
  onGone(place: Place): void
  /**
   * A thread ended without having been told to. Its place is vacant, its death announced; the bells
   * are to be rung now. `wasReady`: it took part; else `start` rejects with the reason.
   */
  onDeath(place: Place, reason: unknown, wasReady: boolean): void
}

export class Threads {
  readonly #region: Region
  readonly #boot: EngineBoot
  readonly #events: ThreadsEvents
  readonly places: Place[] = []

  constructor(region: Region, boot: EngineBoot, events: ThreadsEvents) {
    this.#region = region
    this.#boot = boot
    this.#events = events
    for (let thread = 0; thread < region.layout.threads; thread++) {
      this.places.push({
        thread,
        incarnation: 0,
        worker: null,
        guest: null,
        isOwn: false,
        ready: Promise.resolve(),
        ended: Promise.resolve(),
        isClosing: false,
        hasLeft: false,
        placed: null,
      })
    }
  }

  /** The places of those that take part, the main thread first. */
  get taking(): Place[] {
    return this.places.filter((place) => place.thread === 0 || isTaken(place))
  }

  /** A place without a thread. @throws ERR_THREAD_LIMIT */
  vacant(): Place {
    const place = this.places.find((place) => place.thread > 0 && !isTaken(place))
    return place ?? this.#refuse()
  }

  #refuse(): never {
    const wanted = this.places.length - 1
    throw new FlyshuttleError('ERR_THREAD_LIMIT', { found: 'one more', wanted })
  }

  /**
   * Gives a place to a thread that somebody else made. It takes part from its first message on
   * `port`, and has ended when it says so there, or when the port closes with the thread. The port
   * is closed only after the place is free: that is how the thread learns of it.
   *
   * @throws ERR_THREAD_LIMIT
   */
  admit(port: MessagePort): Place {
    const isFree = (place: Place): boolean => place.thread > 0 && !isTaken(place) && !place.isOwn
    const place = this.places.find(isFree) ?? this.#refuse()
    place.incarnation++
    place.isClosing = false
    place.hasLeft = false
    place.guest = port
    let isReady = false
    let end!: () => void
    place.ended = new Promise((resolve) => {
      end = () => {
        if (place.guest !== port) return
        place.guest = null
        place.placed = null
        resolve()
        this.#onEnd(place, 'it had joined, and ended without leaving', isReady)
      }
    })
    port.once('close', end)
    const started = new Promise<void>((resolve) => {
      port.on('message', (message: Placed | typeof LEFT) => {
        if (message === LEFT) {
          place.hasLeft = true
          end()
          port.close()
          return
        }
        place.placed = message
        isReady = true
        resolve()
      })
    })
    place.ready = Promise.race([started, place.ended])
    port.unref()
    return place
  }

  /** Starts a thread on a vacant place; resolves when it takes part. */
  start(place: Place, ids: number[]): Promise<void> {
    place.ready = this.#start(place, ids)
    return place.ready
  }

  async #start(place: Place, ids: number[]): Promise<void> {
    place.incarnation++
    place.isClosing = false
    place.hasLeft = false
    place.isOwn = true
    const { thread, incarnation } = place
    const boot: ThreadBoot = { ...this.#boot, thread, incarnation, ids }
    const worker = new Worker(findThreadFile(), {
      workerData: boot,
      name: threadName(thread),
      ...inheritedArguments(),
    })
    place.worker = worker
    let reason: unknown = null
    let isReady = false
    worker.on('error', (error) => (reason = error))
    place.ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        place.worker = null
        place.placed = null
        reason ??= `it was terminated, or left with exit code ${code}`
        resolve()
        this.#onEnd(place, reason, isReady)
      })
    })
    const timer = setTimeout(() => {
      reason = new Error(`not ready after ${SPAWN_TIMEOUT_MS_DEFAULT} ms`)
      void worker.terminate()
    }, SPAWN_TIMEOUT_MS_DEFAULT)
    try {
      await Promise.race([
        new Promise<void>((resolve) =>
          worker.once('message', (placed: Placed) => {
            place.placed = placed
            resolve()
          }),
        ),
        place.ended.then(() => {
          const found = reason instanceof Error ? reason.message : String(reason)
          throw new FlyshuttleError('ERR_THREAD_DIED', { thread, found }, reason)
        }),
      ])
      isReady = true
    } finally {
      clearTimeout(timer)
    }
    worker.unref()
  }

  #onEnd(place: Place, reason: unknown, wasReady: boolean): void {
    if (place.isClosing) this.#markVacant(place.thread)
    else announceDeath(this.#region, place.thread)
    // Said to be gone, and without a successor yet.
    this.#events.onGone(place)
    if (place.isClosing) return
    this.#events.onDeath(place, reason, wasReady)
  }

  #markVacant(thread: number): void {
    const { layout, views } = this.#region
    Atomics.store(views.i32, (layout.inbox(thread) + INBOX_DEAD) >>> 2, ThreadState.Vacant)
  }
}

/**
 * Node's own arguments for a worker: those of this process (`--import tsx` must reach it), unless
 * the program was given by `--eval`: a worker has a file, and Node refuses `--input-type` with it.
 */
function inheritedArguments(): { execArgv?: string[] } {
  const isEvaluated = process.execArgv.some((argument) => argument.startsWith('--input-type'))
  if (!isEvaluated) return {}
  const isOfEval = (argument: string): boolean => /^(-[ep]|-pe|--eval|--print)$/.test(argument)
  const execArgv = process.execArgv.filter(
    (argument, index, all) =>
      !argument.startsWith('--input-type') &&
      !isOfEval(argument) &&
      !isOfEval(all[index - 1] ?? ''),
  )
  return { execArgv }
}

/**
 * Says that a thread is dead, and makes every inbox look at every link: the thread may have died
 * between moving a tail and setting its ready bit. With the addon the dying thread has done this
 * itself already; saying it again does no harm. The caller rings the bells.
 */
export function announceDeath(region: Region, thread: number): void {
  const { layout, views } = region
  const stateIndex = (layout.inbox(thread) + INBOX_DEAD) >>> 2
  const state = Atomics.exchange(views.i32, stateIndex, ThreadState.Dead)
  if (state === ThreadState.Dead) return
  Atomics.add(views.i32, HEADER_DEATHS >>> 2, 1)
  for (let inbox = 0; inbox < layout.threads; inbox++) {
    for (let group = 0; group < layout.readyGroups; group++) {
      const index = (layout.inbox(inbox) + INBOX_READY + group * LINE_BYTES) >>> 2
      Atomics.or(views.i32, index, -1)
    }
    // Then "awake": a notify that comes between its parking and its wait would be lost.
    Atomics.store(views.i32, (layout.inbox(inbox) + INBOX_SLEEPING) >>> 2, 0)
  }
}
