// The adding side of a work queue on one thread: values become jobs in slots of this thread's own
// lane, or wait in line for a free one.
//
// Jobs leave in batches: 64 at a time, or at the end of the tick, or at once for `add`, which says
// that they are there. A struct is encoded straight into its slot. Encoding may run the user's code
// (a getter, a `toJSON`): what that adds to the same queue meanwhile finds it full, and waits.

import { FlyshuttleError } from '../base/errors.js'
import { Fifo } from '../base/fifo.js'
import { ADDS_WAITING_MAX, JOBS_FLUSH } from '../base/limits.js'
import { CodecId } from '../base/codec-id.js'
import { atTickEnd } from '../base/tick-end.js'
import { encodeHeaders } from '../codec/headers.js'
import type { Message } from '../codec/message.js'
import type { BoundStruct } from '../codec/struct.js'
import type { Views } from '../memory/region.js'
import type { PayloadStage } from '../routing/payload.js'
import type { LaneWriter } from '../ring/queue-lane.js'
import { SLOT_BLOCK_BYTES, SLOT_HEADER_BYTES, SLOT_LARGE } from '../ring/queue-layout.js'
import type { QueueSignals } from '../ring/queue-signals.js'
import type { RememberedIds } from '../ring/remembered-ids.js'
import type { QueueHost } from './host.js'
import type { LargeJobs } from './large-jobs.js'
import { NO_META, hashKey, metaBytes, writeRecord, type JobMeta } from './job-record.js'
import { checkAdd, levelOf, type AddOptions, type QueuePlace } from './options.js'

/** `duplicate`: a job with this id was added within the window. `full`: nothing was kept. */
export type AddOutcome = 'accepted' | 'duplicate' | 'full'

/** Writes a payload that was encoded before. */
export type Restage = (stage: PayloadStage) => void

interface Waiting {
  readonly job: unknown
  readonly options: AddOptions
  readonly restage: Restage | null
  readonly resolve: (outcome: 'accepted' | 'duplicate') => void
  readonly reject: (error: unknown) => void
}

const NORMAL_LEVEL = levelOf('normal')
export const NO_ADD_OPTIONS: AddOptions = Object.freeze({})
/** An id that another thread is at, or that found no room, is tried again after so long. */
const ID_AGAIN_MS = 10

export class Producer {
  readonly #host: QueueHost
  readonly #place: QueuePlace
  readonly #writer: LaneWriter
  readonly #signals: QueueSignals
  readonly #ids: RememberedIds
  readonly #large: LargeJobs
  readonly #views: Views
  readonly #message: Message<any> | null
  readonly #struct: BoundStruct<unknown> | null
  readonly #structBytes: number
  readonly #typeId: number
  readonly #roomBytes: number
  readonly #waiting = new Fifo<Waiting>()
  readonly #flush = (): void => {
    this.#isScheduled = false
    this.flush()
  }
  #isLearnt = false
  #isEncoding = false
  #isScheduled = false
  #isRetryDue = false
  #isIdDue = false
  /** The first in line found no block; the pool has us woken when one is free. */
  #isBlockDue = false
  #pending = 0
  #nowMs = 0

  constructor(
    host: QueueHost,
    place: QueuePlace,
    message: Message<any> | null,
    writer: LaneWriter,
    signals: QueueSignals,
    ids: RememberedIds,
    large: LargeJobs,
  ) {
    this.#host = host
    this.#place = place
    this.#message = message
    this.#writer = writer
    this.#signals = signals
    this.#ids = ids
    this.#large = large
    this.#views = host.region.views
    this.#structBytes = message?.struct?.bytes ?? 0
    this.#typeId = message?.typeId ?? 0
    this.#roomBytes = writer.lane.slotBytes - SLOT_HEADER_BYTES
    const fitsSlot = this.#structBytes <= this.#roomBytes
    this.#struct = fitsSlot ? (message?.struct?.bind(this.#views) ?? null) : null
  }

  /** Calls of `add` that wait for a slot. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Writes one job if there is a slot for it now. */
  tryAdd(job: unknown, options: AddOptions): AddOutcome {
    if (this.#isEncoding || this.#waiting.length > 0) return 'full'
    return this.#write(job, options, null)
  }

  /** Writes one job, or waits in line; with `restage` the payload that it writes. */
  add(
    job: unknown,
    options: AddOptions,
    restage: Restage | null = null,
  ): Promise<'accepted' | 'duplicate'> {
    const isFree = !this.#isEncoding && this.#waiting.length === 0
    const outcome = isFree ? this.#write(job, options, restage) : 'full'
    if (outcome !== 'full') {
      this.flush()
      return Promise.resolve(outcome)
    }
    if (this.#waiting.length >= ADDS_WAITING_MAX) throw this.fullError()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, options, restage, resolve, reject })
      if (this.#waiting.length === 1) {
        this.#host.hold(true)
        this.#retrySoon()
      }
    })
  }

  fullError(): FlyshuttleError {
    const { name, settings } = this.#place
    const found = `${this.#waiting.length} calls wait for a slot of this thread`
    return new FlyshuttleError('ERR_QUEUE_FULL', { queue: name, found, wanted: settings.capacity })
  }

  /** Makes what was added visible, and wakes one who waits for jobs. */
  flush(): void {
    this.#pending = 0
    if (this.#writer.publish()) this.#wakeOne()
  }

  /** This thread was woken, perhaps because there is room. */
  onDrained(): void {
    if (this.#waiting.length === 0) return
    if (this.#isBlockDue || !this.#signals.isWaiting) this.retry()
  }

  /** There may be room: writes what waits, in order. */
  retry(): void {
    if (this.#waiting.length === 0 || this.#isEncoding) return
    this.#isBlockDue = false
    let next = this.#waiting.peek()
    for (; next !== undefined; next = this.#waiting.peek()) {
      try {
        const outcome = this.#write(next.job, next.options, next.restage)
        if (outcome === 'full') break
        next.resolve(outcome)
      } catch (error) {
        next.reject(error)
      }
      this.#waiting.shift()
    }
    this.flush()
    if (next === undefined) this.#host.hold(false)
    else this.#awaitRoom()
  }

  /** Nothing is written any more; what waits is refused. */
  close(error: Error): void {
    this.flush()
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) next.reject(error)
  }

  /** Asks to be woken when a slot is free. */
  #awaitRoom(): void {
    if (this.#isIdDue) {
      this.#isIdDue = false
      setTimeout(() => this.retry(), ID_AGAIN_MS).unref()
      return
    }
    if (this.#isBlockDue || this.#signals.isWaiting) return
    this.#signals.setWaiting()
    // STEP queue-full: we say that we wait, then look once more.
    this.#retrySoon()
  }

  #retrySoon(): void {
    if (this.#isRetryDue) return
    this.#isRetryDue = true
    setImmediate(() => {
      this.#isRetryDue = false
      this.retry()
    })
  }

  #write(job: unknown, options: AddOptions, restage: Restage | null): AddOutcome {
    if (options === NO_ADD_OPTIONS) return this.#put(job, NORMAL_LEVEL, NO_META, 0, restage)
    checkAdd(options)
    const { priority, delayMs = 0, id } = options
    const level = priority === undefined ? NORMAL_LEVEL : levelOf(priority)
    const meta = metaOf(options)
    if (id === undefined || this.#place.settings.duplicateWindowMs === 0) {
      return this.#put(job, level, meta, delayMs, restage)
    }
    return this.#putOnce(job, level, meta, delayMs, id)
  }

  #putOnce(job: unknown, level: number, meta: JobMeta, delayMs: number, id: string): AddOutcome {
    const nowMs = this.#host.clock.nowMs()
    const noted = this.#ids.note(id, nowMs, nowMs + this.#place.settings.duplicateWindowMs)
    if (noted === 'known') return 'duplicate'
    if (noted !== 'new') {
      // No slot that comes free changes that.
      this.#isIdDue = true
      return 'full'
    }
    let outcome: AddOutcome = 'full'
    try {
      outcome = this.#put(job, level, meta, delayMs, null)
    } finally {
      if (outcome === 'accepted') {
        this.flush()
        this.#ids.confirm()
      } else this.#ids.forget()
    }
    return outcome
  }

  #put(
    job: unknown,
    level: number,
    meta: JobMeta,
    delayMs: number,
    restage: Restage | null,
  ): AddOutcome {
    const struct = this.#isLearnt && restage === null ? this.#struct : null
    if (restage !== null) restage(this.#host.stage)
    else if (struct === null) this.#stage(job)
    const bytes = struct === null ? this.#host.stage.bytes : this.#structBytes
    if ((meta !== NO_META || struct === null) && bytes + metaBytes(meta) > this.#roomBytes) {
      if (struct !== null) this.#stage(job)
      return this.#putLarge(level, meta, delayMs)
    }
    const slot = this.#writer.take(level)
    if (slot < 0) return 'full'
    const { lane } = this.#writer
    if (this.#pending === 0) this.#nowMs = this.#host.clock.nowMs()
    let codec: CodecId = CodecId.Struct
    let typeId = this.#typeId
    if (struct === null) {
      const { stage } = this.#host
      stage.copyTo(this.#views, lane.payload(slot))
      codec = stage.codec
      typeId = stage.typeId
    } else this.#encode(struct, job, lane.payload(slot))
    writeRecord(this.#views, lane, slot, bytes, codec, typeId, level, meta, this.#nowMs)
    this.#leave(slot, level, delayMs)
    return 'accepted'
  }

  /** What is staged fits no slot: it goes into a block, which its slot names. */
  #putLarge(level: number, meta: JobMeta, delayMs: number): AddOutcome {
    const { stage, clock } = this.#host
    this.#checkLarge(stage.bytes, metaBytes(meta))
    const slot = this.#writer.take(level)
    if (slot < 0) return 'full'
    const { lane } = this.#writer
    if (!this.#large.write(stage, lane, slot)) {
      this.#isBlockDue = true
      return 'full'
    }
    if (this.#pending === 0) this.#nowMs = clock.nowMs()
    const codec = stage.codec | SLOT_LARGE
    const { typeId } = stage
    writeRecord(this.#views, lane, slot, SLOT_BLOCK_BYTES, codec, typeId, level, meta, this.#nowMs)
    this.#leave(slot, level, delayMs)
    return 'accepted'
  }

  #leave(slot: number, level: number, delayMs: number): void {
    if (delayMs > 0) {
      this.#writer.commitLater(slot, this.#host.clock.nowMs() + delayMs)
      this.#wakeOne()
    } else this.#commit(slot, level)
  }

  #commit(slot: number, level: number): void {
    this.#writer.commit(slot, level)
    if (++this.#pending >= JOBS_FLUSH) this.flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      atTickEnd(this.#flush)
    }
  }

  #encode(struct: BoundStruct<unknown>, job: unknown, offset: number): void {
    this.#isEncoding = true
    try {
      struct.encode(job, offset)
    } finally {
      this.#isEncoding = false
    }
  }

  /** The way of every job but structs, and of the first of those: others must know their schema. */
  #stage(job: unknown): void {
    this.#isEncoding = true
    try {
      this.#host.stage.stage(this.#message, this.#place.name, job)
    } finally {
      this.#isEncoding = false
    }
    this.#isLearnt = true
  }

  /** @throws ERR_MESSAGE_TOO_LARGE for what fits no block, or has too much beside its payload */
  #checkLarge(bytes: number, metaBytes: number): void {
    const { bytesMax } = this.#large
    const inSlot = metaBytes + (bytesMax === 0 ? bytes : SLOT_BLOCK_BYTES)
    const isSlotShort = inSlot > this.#roomBytes
    if (!isSlotShort && bytes <= bytesMax) return
    throw new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', {
      subject: this.#place.name,
      found: isSlotShort ? inSlot : bytes,
      wanted: isSlotShort ? this.#roomBytes : bytesMax,
    })
  }

  #wakeOne(): void {
    const thread = this.#signals.takeIdle()
    if (thread >= 0) this.#host.wake(thread)
  }
}

function metaOf({ id, key, headers }: AddOptions): JobMeta {
  if (id === undefined && key === undefined && headers === undefined) return NO_META
  const keyText = key === undefined ? '' : String(key)
  return {
    id: Buffer.from(id ?? ''),
    key: Buffer.from(keyText),
    keyHash: key === undefined ? 0 : hashKey(keyText),
    headers: headers === undefined ? NO_META.headers : encodeHeaders(headers),
  }
}
