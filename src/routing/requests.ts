// Requests that wait for their replies.
//
// A correlation is (incarnation of this thread, counter). Counters run from 1 to 2^31 - 1 (negative
// ones belong to `request-blocks.ts`); their low bits are the place of the waiter in a table, and a
// counter whose place is taken is passed over. So finding the waiter is an array access, and a late
// reply finds its own request or none: the same counter comes again only after two billion
// requests. Every request settles by its deadline as long as this thread's loop runs.

import type { RequestInfo } from '../agent/info.js'
import { checkKeys } from '../base/checks.js'
import type { Clock } from '../base/clock.js'
import { Deadlines, NO_DEADLINE, type Waiting } from '../base/deadlines.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import { REQUESTS_PENDING_MAX, REQUEST_TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX } from '../base/limits.js'
import { MESSAGE_OPTIONS, type MessageOptions } from './envelope.js'
import type { AwaitedRequest } from './parcel.js'

const REQUEST_OPTIONS = ['timeoutMs', 'signal', 'parent', 'idempotent', ...MESSAGE_OPTIONS]

export interface ParentOptions {
  /**
   * The `info` of the request that this one is made for: its deadline and its `signal` hold for
   * this one too.
   */
  readonly parent?: RequestInfo
}

export interface RequestOptions extends MessageOptions, ParentOptions {
  /** How long to wait for the reply, ms. Default 5000. */
  readonly timeoutMs?: number
  /** Ends the wait: the promise rejects with ERR_ABORTED, whose cause is the signal's reason. */
  readonly signal?: AbortSignal
  /**
   * It does no harm when the request is handled more than once: another responder gets it when
   * the one that has it dies or stops. Default false.
   */
  readonly idempotent?: boolean
}

/** What options say, checked. */
export interface RequestTerms {
  readonly timeoutMs: number
  readonly signal: AbortSignal | null
}

/** What stands for options that were left out: nothing to check. */
export const NO_OPTIONS: RequestOptions = Object.freeze({})

/** Places at first; a power of two, doubled whenever half of them are taken. */
const PLACES_MIN = 1024
const COUNTER_MAX = 0x7fff_ffff

// One executor for all promises, instead of a closure for each.
let capturedResolve: (value: unknown) => void
let capturedReject: (error: unknown) => void
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  capturedResolve = resolve
  capturedReject = reject
}

export class PendingRequest implements AwaitedRequest, Waiting {
  thread = -1
  incarnation = 0
  isSettled = false
  deadline = NO_DEADLINE
  listNext: Waiting | null = null
  listPrevious: Waiting | null = null
  list: Waiting['list'] = null
  signal: AbortSignal | null = null

  readonly promise: Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void

  constructor(
    readonly table: Requests,
    readonly counter: number,
    readonly subject: string,
    readonly timeoutMs: number,
  ) {
    this.promise = new Promise(capture)
    this.#resolve = capturedResolve
    this.#reject = capturedReject
  }

  get deadlineMs(): number {
    return this.deadline.atMs
  }

  expire(): void {
    const { subject, timeoutMs } = this
    this.fail(new FlyshuttleError('ERR_TIMEOUT', { subject, wanted: timeoutMs }))
  }

  fail(error: unknown): void {
    if (this.table.settle(this)) this.#reject(error)
  }

  succeed(value: unknown): void {
    if (this.table.settle(this)) this.#resolve(value)
  }
}

/** What tells a request, and who has it. */
export type Asked = Pick<AwaitedRequest, 'counter' | 'thread' | 'incarnation'>

export interface RequestsEvents {
  /**
   * The first request began to wait (true), or the last one settled (false): hold the loop alive
   * meanwhile.
   */
  onWaiting(isWaiting: boolean): void
  /**
   * Nobody waits any more for a request, and the `more` that were counted after it: whoever works
   * on them may stop.
   */
  onAborted?(request: Asked, more: number): void
}

export class Requests {
  readonly #deadlines: Deadlines
  readonly #events: RequestsEvents
  readonly #pendingMax: number
  #places: (PendingRequest | null)[] = placesOf(PLACES_MIN)
  readonly #bySignal = new WeakMap<AbortSignal, Set<PendingRequest>>()
  #lastCounter: number
  #pending = 0

  /** `start` is for tests: how many may wait, and the counter after which to begin. */
  constructor(
    clock: Clock,
    events: RequestsEvents,
    start = { pendingMax: REQUESTS_PENDING_MAX, counter: 0 },
  ) {
    this.#deadlines = new Deadlines(clock)
    this.#events = events
    this.#pendingMax = start.pendingMax
    this.#lastCounter = start.counter
  }

  get pending(): number {
    return this.#pending
  }

  /**
   * Registers a request, to be sent by the caller: `promise` settles by its deadline, or when
   * `succeed` or `fail` is called.
   *
   * @throws ERR_OPTION_INVALID for a timeout that is no positive number or an option that is not
   * known, ERR_ABORTED, ERR_BACKPRESSURE when too many wait
   */
  begin(subject: string, options: RequestOptions): PendingRequest {
    let timeoutMs = REQUEST_TIMEOUT_MS_DEFAULT
    let signal: AbortSignal | null = null
    if (options !== NO_OPTIONS) {
      if (typeof options !== 'object' || options === null) throw noOptions(options)
      // `timeout: 200` would wait for five seconds. In place: a list of keys is an allocation.
      for (const key in options) {
        if (key !== 'timeoutMs' && key !== 'signal') checkKeys('request', options, REQUEST_OPTIONS)
      }
      timeoutMs = checkTimeoutMs(options.timeoutMs)
      signal = checkSignal(options.signal)
      if (signal?.aborted === true) throw aborted(subject, signal)
    }
    const counter = this.#nextCounter(subject)
    const request = new PendingRequest(this, counter, subject, timeoutMs)
    this.#places[counter & (this.#places.length - 1)] = request
    this.#deadlines.add(request, timeoutMs)
    if (this.#pending++ === 0) this.#events.onWaiting(true)
    if (signal !== null) {
      request.signal = signal
      this.#listen(signal).add(request)
    }
    return request
  }

  /** Registers a request and hands it to `send`. Whatever is thrown rejects the promise. */
  async open(
    subject: string,
    options: RequestOptions,
    send: (request: PendingRequest) => void,
  ): Promise<unknown> {
    const request = this.begin(subject, options)
    try {
      send(request)
    } catch (error) {
      request.fail(error)
    }
    return request.promise
  }

  /** The request that a reply with this counter belongs to, if it still waits. */
  find(counter: number): PendingRequest | null {
    const request = this.#places[counter & (this.#places.length - 1)] ?? null
    return request !== null && request.counter === counter ? request : null
  }

  /** Rejects what waits for a thread that ended: `isGone` says of which. */
  failWhere(
    isGone: (request: PendingRequest) => boolean,
    makeError: (request: PendingRequest) => Error,
  ): void {
    for (const request of this.#places) {
      if (request !== null && isGone(request)) request.fail(makeError(request))
    }
  }

  /** Rejects everything that waits. */
  close(error: Error): void {
    this.failWhere(
      () => true,
      () => error,
    )
    this.#deadlines.close()
  }

  /** Ends the wait; false when it had ended already. Only for `PendingRequest`. */
  settle(request: PendingRequest): boolean {
    if (request.isSettled) return false
    request.isSettled = true
    this.#deadlines.remove(request)
    if (request.signal !== null) this.#bySignal.get(request.signal)?.delete(request)
    this.#places[request.counter & (this.#places.length - 1)] = null
    if (--this.#pending === 0) this.#events.onWaiting(false)
    return true
  }

  /** One listener per signal, however many requests it may abort. */
  #listen(signal: AbortSignal): Set<PendingRequest> {
    let requests = this.#bySignal.get(signal)
    if (requests === undefined) {
      const waiting = (requests = new Set<PendingRequest>())
      this.#bySignal.set(signal, waiting)
      const onAbort = (): void => {
        for (const request of [...waiting]) {
          this.#events.onAborted?.(request, 0)
          request.fail(aborted(request.subject, signal))
        }
      }
      signal.addEventListener('abort', onAbort, { once: true })
    }
    return requests
  }

  /** The next counter whose place is free. Never 0: that belongs to no request. */
  #nextCounter(subject: string): number {
    if (this.#pending >= this.#pendingMax) {
      const data = { subject, found: this.#pending, wanted: this.#pendingMax }
      throw new FlyshuttleError('ERR_BACKPRESSURE', data)
    }
    if (this.#pending * 2 >= this.#places.length) this.#grow()
    const mask = this.#places.length - 1
    let counter = this.#lastCounter
    do counter = (counter + 1) & COUNTER_MAX
    while (counter === 0 || this.#places[counter & mask] !== null)
    this.#lastCounter = counter
    return counter
  }

  #grow(): void {
    // Two requests on different places stay on different places of twice as many.
    const places = placesOf(this.#places.length * 2)
    for (const request of this.#places) {
      if (request !== null) places[request.counter & (places.length - 1)] = request
    }
    this.#places = places
  }
}

function placesOf(length: number): (PendingRequest | null)[] {
  return Array.from({ length }, () => null)
}

/**
 * What the options of a call say about its wait.
 *
 * @throws ERR_OPTION_INVALID, ERR_ABORTED
 */
export function termsOf(call: string, subject: string, options: RequestOptions): RequestTerms {
  checkKeys(call, options, REQUEST_OPTIONS)
  const signal = checkSignal(options.signal)
  if (signal?.aborted === true) throw aborted(subject, signal)
  return { timeoutMs: checkTimeoutMs(options.timeoutMs), signal }
}

/** @throws ERR_OPTION_INVALID */
export function checkTimeoutMs(timeoutMs: unknown): number {
  if (timeoutMs === undefined) return REQUEST_TIMEOUT_MS_DEFAULT
  const isNumber = typeof timeoutMs === 'number'
  if (isNumber && timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX) return timeoutMs
  throw new FlyshuttleError('ERR_OPTION_INVALID', {
    option: 'timeoutMs',
    found: describe(timeoutMs),
    wanted: `a number above 0 and up to ${TIMEOUT_MS_MAX}`,
  })
}

function noOptions(found: unknown): FlyshuttleError {
  const data = { option: 'options', found: describe(found), wanted: 'an object' }
  return new FlyshuttleError('ERR_OPTION_INVALID', data)
}

/** @throws ERR_OPTION_INVALID */
export function checkSignal(signal: unknown): AbortSignal | null {
  if (signal === undefined) return null
  if (signal instanceof AbortSignal) return signal
  const data = { option: 'signal', found: describe(signal), wanted: 'an AbortSignal' }
  throw new FlyshuttleError('ERR_OPTION_INVALID', data)
}

export function aborted(subject: string, signal: AbortSignal): FlyshuttleError {
  return new FlyshuttleError('ERR_ABORTED', { subject }, signal.reason)
}

export function noResponders(subject: string): FlyshuttleError {
  return new FlyshuttleError('ERR_NO_RESPONDERS', { subject })
}
