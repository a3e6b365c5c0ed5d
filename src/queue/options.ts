// What a queue, a job and a consumer may be asked for, checked once, with defaults.

import { FlyshuttleError } from '../base/errors.js'
import { checkCount, checkKeys, invalid } from '../base/checks.js'
import {
  ACK_WAIT_MS_DEFAULT,
  CONCURRENCY_MAX,
  DUPLICATE_IDS_DEFAULT,
  DUPLICATE_IDS_MAX,
  DUPLICATE_WINDOW_MS_DEFAULT,
  JOB_BYTES_DEFAULT,
  JOB_BYTES_MAX,
  JOB_META_BYTES,
  MAX_DELIVER_DEFAULT,
  MAX_DELIVER_MAX,
  QUEUE_CAPACITY_DEFAULT,
  QUEUE_CAPACITY_MAX,
  QUEUE_CAPACITY_MIN,
  QUEUE_WAIT_MS_MAX,
} from '../base/limits.js'
import type { Priority } from '../base/priority.js'
import { CodecId } from '../base/codec-id.js'
import type { Message } from '../codec/message.js'
import type { Headers } from '../codec/headers.js'
import { CLAIMS_MAX } from '../ring/job-claims.js'
import { ORDERED_CAPACITY_MAX } from '../ring/key-locks.js'
import { IDS_PER_BUCKET, SLOT_HEADER_BYTES, type QueueGeometry } from '../ring/queue-layout.js'

/** How a work queue treats its jobs. All threads that open it agree on them. */
export interface QueueOptions {
  /** Deliveries of one job, the first included, before it is a dead letter. 1 to 200, default 5. */
  readonly maxDeliver?: number
  /**
   * How long a job that failed waits, ms: after its first, second … delivery; the last holds for
   * all that follow. Default `[10, 100, 1000]`.
   */
  readonly backoffMs?: readonly number[]
  /** Within this a delivery has to be settled, ms; else the job goes to another. Default 30 s. */
  readonly ackWaitMs?: number
  /** `'key'`: of the jobs of one key one is under way at a time, in the order they were added. */
  readonly ordered?: 'key'
  /** Jobs that consumers have in hand, all of them together. Default: no limit. */
  readonly maxAckPending?: number
  /** For so long a job with the `id` of another is not added, ms. Default 2 min. */
  readonly duplicateWindowMs?: number
  /** Ids that are remembered at one time. Default 8192. */
  readonly duplicateIds?: number
  /** Jobs of each adding thread that the queue holds, a power of two. Default 4096. */
  readonly capacity?: number
  /**
   * Bytes of a job as encoded, its key, id and headers included, that its slot holds; the payload
   * of a larger one lies in a block of the chunk area (`chunkBytes`). Default 456.
   */
  readonly jobBytes?: number
}

/** The options of a queue, complete. */
export interface QueueSettings {
  readonly maxDeliver: number
  readonly backoffMs: readonly number[]
  readonly ackWaitMs: number
  readonly ordered: 'key' | 'none'
  readonly maxAckPending: number
  readonly duplicateWindowMs: number
  readonly duplicateIds: number
  readonly capacity: number
  readonly jobBytes: number
  /** What its jobs are: a schema as canonical text, `raw`, or `any`. */
  readonly jobs: string
}

/** What a thread asks thread 0 for; settings that were not given are whatever they are. */
export interface QueueWish {
  readonly name: string
  readonly given: Partial<QueueSettings>
  /** Of one job, when all are structs; else 0. */
  readonly structBytes: number
}

/** Where a queue is, and what holds for it. */
export interface QueuePlace {
  readonly name: string
  readonly base: number
  readonly settings: QueueSettings
}

/** The most urgent first, as the levels of a lane. */
const BY_LEVEL: readonly Priority[] = ['critical', 'high', 'normal', 'low', 'batch']

/** How one job is to be treated. */
export interface AddOptions {
  /** What the job is about; orders the jobs of an ordered queue. */
  readonly key?: string | number
  /** `critical` first, then `high`, `normal`, `low`, `batch`. Default `normal`. */
  readonly priority?: Priority
  /** Nobody gets the job before so many ms have passed. */
  readonly delayMs?: number
  /** Within the queue's `duplicateWindowMs` a job with the same id is added once. */
  readonly id?: string
  /** Texts that travel beside the job. */
  readonly headers?: Headers
}

export interface ConsumeOptions {
  /** How many jobs an asynchronous handler may work on at one time. Default 1. */
  readonly concurrency?: number
  /** Jobs taken at one go for a handler that returns at once, 1 to 256. Default 256. */
  readonly batch?: number
}

const QUEUE_KEYS = [
  'maxDeliver',
  'backoffMs',
  'ackWaitMs',
  'ordered',
  'maxAckPending',
  'duplicateWindowMs',
  'duplicateIds',
  'capacity',
  'jobBytes',
]
const ADD_KEYS = ['key', 'priority', 'delayMs', 'id', 'headers']

/** What the options of `engine.queue` ask for. @throws ERR_OPTION_INVALID */
export function checkQueue(
  name: string,
  message: Message<any> | null,
  options: QueueOptions,
): QueueWish {
  checkKeys('queue', options, QUEUE_KEYS)
  const given: { -readonly [K in keyof QueueSettings]?: QueueSettings[K] } = {}
  const { maxDeliver, backoffMs, ackWaitMs, ordered, maxAckPending } = options
  const { duplicateWindowMs, duplicateIds, capacity, jobBytes } = options
  if (maxDeliver !== undefined) {
    given.maxDeliver = checkCount('maxDeliver', maxDeliver, 1, MAX_DELIVER_MAX)
  }
  if (backoffMs !== undefined) given.backoffMs = checkBackoff(backoffMs)
  if (ackWaitMs !== undefined) given.ackWaitMs = checkWait('ackWaitMs', ackWaitMs, 1)
  if (ordered !== undefined) {
    if (ordered !== 'key') throw invalid('ordered', ordered, "'key'")
    given.ordered = 'key'
  }
  if (maxAckPending !== undefined) {
    given.maxAckPending = checkCount('maxAckPending', maxAckPending, 1, 2 ** 30)
  }
  if (duplicateWindowMs !== undefined) {
    given.duplicateWindowMs = checkWait('duplicateWindowMs', duplicateWindowMs, 0)
  }
  if (duplicateIds !== undefined) {
    given.duplicateIds = checkCount('duplicateIds', duplicateIds, 1, DUPLICATE_IDS_MAX)
  }
  if (capacity !== undefined) given.capacity = checkCapacity(capacity, ordered === 'key')
  if (jobBytes !== undefined) given.jobBytes = checkCount('jobBytes', jobBytes, 8, JOB_BYTES_MAX)
  if (message !== null) given.jobs = jobsOf(message)
  return { name, given, structBytes: message?.struct?.bytes ?? 0 }
}

/** Settings for a queue that nobody has opened before. */
export function settingsOf({ given, structBytes }: QueueWish): QueueSettings {
  return {
    maxDeliver: MAX_DELIVER_DEFAULT,
    backoffMs: [10, 100, 1000],
    ackWaitMs: ACK_WAIT_MS_DEFAULT,
    ordered: 'none',
    maxAckPending: 2 ** 30,
    duplicateWindowMs: DUPLICATE_WINDOW_MS_DEFAULT,
    duplicateIds: DUPLICATE_IDS_DEFAULT,
    capacity: QUEUE_CAPACITY_DEFAULT,
    jobBytes: structBytes === 0 ? JOB_BYTES_DEFAULT : structBytes + JOB_META_BYTES,
    jobs: 'any',
    ...given,
  }
}

/** Refuses a wish that an existing queue does not fulfil. @throws ERR_QUEUE_MISMATCH */
export function checkSame(wish: QueueWish, settings: QueueSettings): void {
  for (const [setting, wanted] of Object.entries(wish.given)) {
    const found = settings[setting as keyof QueueSettings]
    if (JSON.stringify(found) === JSON.stringify(wanted)) continue
    throw new FlyshuttleError('ERR_QUEUE_MISMATCH', {
      queue: wish.name,
      setting,
      found: String(found),
      wanted: String(wanted),
    })
  }
}

export function geometryOf(settings: QueueSettings, threads: number): QueueGeometry {
  const { capacity, jobBytes, duplicateIds, duplicateWindowMs } = settings
  const bucketsWanted = duplicateWindowMs === 0 ? 1 : (2 * duplicateIds) / IDS_PER_BUCKET
  return {
    threads,
    capacity,
    slotBytes: (SLOT_HEADER_BYTES + jobBytes + 7) & -8,
    isOrdered: settings.ordered === 'key',
    idBuckets: 2 ** Math.ceil(Math.log2(Math.max(1, bucketsWanted))),
  }
}

/** The level of a priority. @throws ERR_OPTION_INVALID */
export function levelOf(priority: Priority): number {
  const level = BY_LEVEL.indexOf(priority)
  if (level < 0) throw invalid('priority', priority, BY_LEVEL.join(', '))
  return level
}

export function priorityOf(level: number): Priority {
  return BY_LEVEL[level] ?? 'normal'
}

/** @throws ERR_OPTION_INVALID */
export function checkAdd(options: AddOptions): void {
  checkKeys('add', options, ADD_KEYS)
  const { key, delayMs, id } = options
  if (key !== undefined && typeof key !== 'string' && !Number.isFinite(key)) {
    throw invalid('key', key, 'a text or a finite number')
  }
  if (delayMs !== undefined) checkWait('delayMs', delayMs, 0)
  if (id !== undefined && (typeof id !== 'string' || id === '')) {
    throw invalid('id', id, 'a text that is not empty')
  }
}

/** @throws ERR_OPTION_INVALID */
export function checkConsume(options: ConsumeOptions): Required<ConsumeOptions> {
  checkKeys('consume', options, ['concurrency', 'batch'])
  const { concurrency = 1, batch = CLAIMS_MAX } = options
  return {
    concurrency: checkCount('concurrency', concurrency, 1, CONCURRENCY_MAX),
    batch: checkCount('batch', batch, 1, CLAIMS_MAX),
  }
}

/** @throws ERR_OPTION_INVALID */
export function checkWait(option: string, value: unknown, leastMs: number): number {
  if (typeof value === 'number' && value >= leastMs && value <= QUEUE_WAIT_MS_MAX) return value
  throw invalid(option, value, `${leastMs} to ${QUEUE_WAIT_MS_MAX} ms`)
}

function checkBackoff(value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length > MAX_DELIVER_MAX) {
    throw invalid('backoffMs', value, `a list of at most ${MAX_DELIVER_MAX} waits in ms`)
  }
  return value.map((waitMs, n) => checkWait(`backoffMs[${n}]`, waitMs, 0))
}

function checkCapacity(value: number, isOrdered: boolean): number {
  const max = isOrdered ? ORDERED_CAPACITY_MAX : QUEUE_CAPACITY_MAX
  const isPowerOfTwo = Number.isInteger(value) && 2 ** Math.round(Math.log2(value)) === value
  if (isPowerOfTwo && value >= QUEUE_CAPACITY_MIN && value <= max) return value
  throw invalid('capacity', value, `a power of two from ${QUEUE_CAPACITY_MIN} to ${max}`)
}

function jobsOf(message: Message<any>): string {
  if (message.struct !== null) return message.struct.canonical
  return message.codec === CodecId.Raw ? 'raw' : 'any'
}
