// Many requests under one promise and one deadline: `requestEach`.
//
// The requests of one call have consecutive counters and share one block of the table, so there is
// no object, promise or closure for each. Counters of blocks are negative, those of single requests
// are not (`requests.ts`), so a reply is told apart by its sign. A block begins at a multiple of
// 64: the place of a counter is found by a shift, and late replies find their own block or none,
// since the same counter comes again only after two billion requests.

import type { Clock } from '../base/clock.js'
import { Deadlines, NO_DEADLINE, type Waiting } from '../base/deadlines.js'
import { FlyshuttleError } from '../base/errors.js'
import { REQUESTS_PENDING_MAX } from '../base/limits.js'
import type { AwaitedRequest } from './parcel.js'
import { aborted, type Asked, type RequestTerms, type RequestsEvents } from './requests.js'

const SPAN_SHIFT = 6
/** Spans of 64 counters at first; a power of two, doubled whenever half of them are taken. */
const SPANS_MIN = 64
/** What makes a counter one of a block, and its other bits. */
const SIGN = -0x8000_0000
const COUNTER_BITS = 0x7fff_ffff
const SPANS_ALL = 2 ** 31 / 2 ** SPAN_SHIFT

/** What stands where no reply has come yet; nobody else has it. */
const MISSING = Object.freeze({})

/** One life of one thread, and how many of the block's requests it has not answered. */
interface Answerer {
  readonly thread: number
  incarnation: number
  left: number
}

/** A whole call: its values on their way out, and the replies as they come in. */
export class RequestBlock implements AwaitedRequest, Waiting {
  // Of the value that is being written; `AwaitedRequest` says what.
  thread = -1
  incarnation = 0
  isSettled = false
  deadline = NO_DEADLINE
  listNext: Waiting | null = null
  listPrevious: Waiting | null = null
  list: Waiting['list'] = null

  readonly promise: Promise<unknown[]>
  #resolve!: (replies: unknown[]) => void
  #reject!: (error: unknown) => void
  readonly #replies: unknown[]
  readonly #answerers: Answerer[] = []
  #values: readonly unknown[]
  #written = 0
  #missing: number

  /** `first` is the counter of the first value. */
  constructor(
    readonly table: RequestBlocks,
    readonly first: number,
    readonly subject: string,
    readonly timeoutMs: number,
    readonly signal: AbortSignal | null,
    values: readonly unknown[],
  ) {
    this.#values = values
    this.#missing = values.length
    this.#replies = new Array<unknown>(values.length).fill(MISSING)
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get length(): number {
    return this.#replies.length
  }

  get deadlineMs(): number {
    return this.deadline.atMs
  }

  get counter(): number {
    return this.first + this.#written
  }

  /** Hands values to `write`, in order, until it returns false. True: none is left to write. */
  feed(write: (value: unknown) => boolean): boolean {
    const { length } = this.#replies
    while (!this.isSettled && this.#written < length) {
      this.thread = -1
      if (!write(this.#values[this.#written])) return false
      this.#noteAnswerer()
      this.#written++
    }
    return true
  }

  /** What could not be written yet is kept: the caller may do with its list what it likes. */
  keepValues(): void {
    this.#values = this.#values.slice()
  }

  /** The reply to one value. Only where `awaits` says so. */
  succeed(counter: number, source: number, value: unknown): void {
    this.#replies[counter - this.first] = value
    const answerer = this.#answererOf(source)
    if (answerer !== undefined) answerer.left--
    if (--this.#missing === 0 && this.#settle()) this.#resolve(this.#replies)
  }

  /** The failure of one value ends the wait for all. */
  failAt(counter: number, error: unknown): void {
    this.#end(error, counter - this.first)
  }

  /** The value under way cannot be written. */
  fail(error: unknown): void {
    this.#end(error, this.#written)
  }

  expire(): void {
    const { subject, timeoutMs } = this
    this.failMissing(new FlyshuttleError('ERR_TIMEOUT', { subject, wanted: timeoutMs }))
  }

  /** Ends the wait because of the first value that has no reply. */
  failMissing(error: unknown): void {
    this.#end(error, this.#replies.indexOf(MISSING))
  }

  /** Whether the reply with this counter has not come yet. */
  awaits(counter: number): boolean {
    return this.#replies[counter - this.first] === MISSING
  }

  /** Whether one that has not answered everything is gone. */
  isBereft(isGone: (answerer: Answerer) => boolean): boolean {
    return this.#answerers.some((answerer) => answerer.left > 0 && isGone(answerer))
  }

  readonly #onAbort = (): void => {
    this.failMissing(aborted(this.subject, this.signal as AbortSignal))
    const { first: counter } = this
    for (const { thread, incarnation, left } of this.#answerers) {
      if (left > 0) this.table.giveUp({ counter, thread, incarnation }, this.#written - 1)
    }
  }

  #end(error: unknown, index: number): void {
    if (!this.#settle()) return
    this.#reject(withIndex(error, index))
  }

  #settle(): boolean {
    if (!this.table.settle(this)) return false
    this.#values = []
    this.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }

  #noteAnswerer(): void {
    const { thread, incarnation } = this
    const answerer = this.#answererOf(thread)
    // A successor of one that has ended: the next look at who died finds the first life.
    if (answerer === undefined) this.#answerers.push({ thread, incarnation, left: 1 })
    else {
      if (answerer.left++ === 0) answerer.incarnation = incarnation
    }
  }

  #answererOf(thread: number): Answerer | undefined {
    for (const answerer of this.#answerers) if (answerer.thread === thread) return answerer
    return undefined
  }
}

/** All blocks of a thread. */
export class RequestBlocks {
  readonly #deadlines: Deadlines
  readonly #events: RequestsEvents
  readonly #pendingMax: number
  #spans: (RequestBlock | null)[] = spansOf(SPANS_MIN)
  #spansTaken = 0
  #nextSpan: number
  #pending = 0

  /** `start` is for tests: how many may wait, and the number of the first span. */
  constructor(
    clock: Clock,
    events: RequestsEvents,
    start = { pendingMax: REQUESTS_PENDING_MAX, span: 0 },
  ) {
    this.#deadlines = new Deadlines(clock)
    this.#events = events
    this.#pendingMax = start.pendingMax
    this.#nextSpan = start.span
  }

  /** Size of the table. For tests: it stays in proportion to what waits. */
  get spans(): number {
    return this.#spans.length
  }

  /**
   * Registers a request for each value, to be sent by the caller: `promise` settles by the
   * deadline.
   *
   * @throws ERR_BACKPRESSURE when too many wait
   */
  begin(subject: string, values: readonly unknown[], terms: RequestTerms): RequestBlock {
    const { timeoutMs, signal } = terms
    const { length } = values
    if (this.#pending + length > this.#pendingMax) {
      const data = { subject, found: this.#pending + length, wanted: this.#pendingMax }
      throw new FlyshuttleError('ERR_BACKPRESSURE', data)
    }
    const span = this.#take(spansFor(length))
    const first = (span << SPAN_SHIFT) | SIGN
    const block = new RequestBlock(this, first, subject, timeoutMs, signal, values)
    this.#fill(block, block)
    if (this.#pending === 0) this.#events.onWaiting(true)
    this.#pending += length
    this.#deadlines.add(block, timeoutMs)
    return block
  }

  /** The block that waits for a reply with this counter. */
  find(counter: number): RequestBlock | null {
    const block = this.#spans[(counter >>> SPAN_SHIFT) & (this.#spans.length - 1)] ?? null
    return block !== null && block.awaits(counter) ? block : null
  }

  /** Rejects what waits for a thread that ended: `isGone` says of which. */
  failWhere(
    isGone: (answerer: Answerer) => boolean,
    makeError: (block: RequestBlock) => Error,
  ): void {
    for (const block of new Set(this.#spans)) {
      if (block?.isBereft(isGone) === true) block.failMissing(makeError(block))
    }
  }

  /** Rejects everything that waits. */
  close(error: Error): void {
    for (const block of new Set(this.#spans)) block?.failMissing(error)
    this.#deadlines.close()
  }

  /** Those of these requests that are not answered are wanted no more. For `RequestBlock`. */
  giveUp(first: Asked, more: number): void {
    this.#events.onAborted?.(first, more)
  }

  /** Ends the wait; false when it had ended already. Only for `RequestBlock`. */
  settle(block: RequestBlock): boolean {
    if (block.isSettled) return false
    block.isSettled = true
    this.#deadlines.remove(block)
    this.#fill(block, null)
    this.#pending -= block.length
    if (this.#pending === 0) this.#events.onWaiting(false)
    return true
  }

  /** The first of so many spans in a row that nobody has. */
  #take(count: number): number {
    while ((this.#spansTaken + count) * 2 > this.#spans.length) this.#grow()
    // Many small blocks may leave no row that is long enough.
    for (;;) {
      const from = this.#findFree(count)
      if (from >= 0) {
        this.#nextSpan = from + count
        return from
      }
      this.#grow()
    }
  }

  #findFree(count: number): number {
    const mask = this.#spans.length - 1
    // No block goes beyond the last counter there is.
    let from = this.#nextSpan + count > SPANS_ALL ? 0 : this.#nextSpan
    let free = 0
    for (let looked = 0; looked < 2 * this.#spans.length; looked++) {
      if (this.#spans[(from + free) & mask] === null) free++
      else {
        from += free + 1
        free = 0
      }
      if (free === count) return from
      if (from + count > SPANS_ALL) from = free = 0
    }
    return -1
  }

  #fill(block: RequestBlock, with_: RequestBlock | null): void {
    const count = spansFor(block.length)
    const from = (block.first & COUNTER_BITS) >>> SPAN_SHIFT
    for (let span = from; span < from + count; span++) {
      this.#spans[span & (this.#spans.length - 1)] = with_
    }
    this.#spansTaken += with_ === null ? -count : count
  }

  #grow(): void {
    const blocks = new Set(this.#spans)
    this.#spans = spansOf(this.#spans.length * 2)
    this.#spansTaken = 0
    for (const block of blocks) if (block !== null) this.#fill(block, block)
  }
}

function spansFor(length: number): number {
  return (length + (1 << SPAN_SHIFT) - 1) >>> SPAN_SHIFT
}

function spansOf(length: number): (RequestBlock | null)[] {
  return Array.from({ length }, () => null)
}

/** The error, and which value it is about. An error of the engine names it in its data. */
function withIndex(error: unknown, index: number): unknown {
  if (error instanceof FlyshuttleError && error.code !== 'ERR_CLOSED') {
    Object.assign(error, { data: { ...error.data, index } })
  }
  return error
}
