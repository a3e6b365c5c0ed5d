// What `createEngine` takes, checked before anything is built.

import { checkAddon, checkCount, checkKeys, invalid } from '../base/checks.js'
import { FlyshuttleError } from '../base/errors.js'
import {
  CHUNK_AREA_BYTES,
  CHUNK_AREA_BYTES_MAX,
  SPIN_BUDGET_US,
  SPIN_US,
  THREADS_MAX,
} from '../base/limits.js'
import { checkPlacement, type Placement } from '../placement/plan.js'
import {
  checkLetterOptions,
  type DeadLetterOptions,
  type LetterLimits,
} from '../routing/letter-store.js'
import type { CompressionRules } from '../routing/packing.js'
import { policyFor, type SubjectPolicy, type SubjectTreatment } from '../routing/subject-rules.js'
import type { ErrorContext } from './control.js'
import { engineName } from './engine-name.js'

export interface EngineOptions {
  /**
   * What the engine is called in diagnostics events and in the trace, up to 100 characters.
   * Default: `engine 1`, `engine 2` and so on, in the order of creation.
   */
  readonly name?: string
  /**
   * Worker threads to start, besides the main thread. Default 1; 0 runs every agent on the main
   * thread.
   */
  readonly threads?: number
  /**
   * Places for threads, fixed for the engine's life: the main thread, the engine's own, and those
   * that `join`. Default: four more than `threads`, and at least 8.
   */
  readonly threadsMax?: number
  /**
   * Bytes of each bulk ring, a power of two; a frame takes at most a quarter of it. Default: from a
   * budget.
   */
  readonly ringBytes?: number
  /**
   * Address space for messages that are too large for a ring, for loans and leases; pages that
   * nobody touches cost nothing. `capabilities.messageBytesMax` says how large a message may be
   * then. 0: none of these. Default 256 MiB.
   */
  readonly chunkBytes?: number
  /**
   * 'auto' uses the native addon when it is there; false never does; true throws without it.
   * Default 'auto'.
   */
  readonly addon?: boolean | 'auto'
  /**
   * How long a thread looks for more work before it sleeps, µs. 0 never spins. Default 50. Addon
   * only.
   */
  readonly spinUs?: number
  /**
   * Where the worker threads run: 'auto' keeps them on whole NUMA nodes where there are several,
   * and leaves them alone on one; 'spread' gives each a core of its own, far from the others;
   * 'compact' a CPU of its own, close to the others; `{ cpus: [4, 5] }` gives the first worker CPU
   * 4 and the second CPU 5, any further ones all of these; `{ node: 1 }` keeps all of them on that
   * node. The main thread stays free, unless `{ cpus, main: 3 }` pins it. All but 'auto' need the
   * addon on Linux. Default 'auto'.
   */
  readonly placement?: Placement
  /**
   * Which subjects travel compressed, by pattern; the first that matches counts:
   * `{ 'logs.>': { algorithm: 'lz4', minBytes: 4096 } }`. Publishes and requests, on all threads.
   * What does not shrink by a tenth travels as it is. Default: none.
   */
  readonly compression?: CompressionRules
  /** How many dead letters are kept, and what happens beyond: see `engine.deadLetters`. */
  readonly deadLetters?: DeadLetterOptions
  /**
   * How subjects are treated when there is no room, by pattern; the first that matches decides.
   * `{ 'prices.*': { overflow: 'drop-oldest', maxPerSubject: 1 } }` keeps the last value of each.
   */
  readonly subjects?: Readonly<Record<string, SubjectTreatment>>
  /**
   * Told about errors that no caller waits for: a handler of a publish threw, a thread ended
   * unexpectedly. Default: a line on stderr.
   */
  readonly onError?: (error: unknown, context: ErrorContext) => void
}

export interface CheckedOptions {
  readonly name: string
  readonly threads: number
  readonly threadsMax: number
  readonly ringBytes: number | undefined
  readonly chunkBytes: number
  readonly addon: boolean | 'auto'
  readonly spinUs: number
  readonly spinBudgetUs: number
  readonly placement: Placement
  readonly deadLetters: LetterLimits
  readonly subjects: SubjectPolicy
  readonly onError: (error: unknown, context: ErrorContext) => void
}

const ENGINE_OPTIONS = [
  'name',
  'threads',
  'threadsMax',
  'ringBytes',
  'chunkBytes',
  'addon',
  'spinUs',
  'placement',
  'compression',
  'deadLetters',
  'subjects',
  'onError',
]

/** @throws ERR_OPTION_INVALID, ERR_THREAD_LIMIT */
export function checkOptions(options: EngineOptions): CheckedOptions {
  checkKeys('createEngine', options, ENGINE_OPTIONS)
  // Undefined alone stands for a default: null is a mistake.
  const { addon = 'auto', onError = printError, placement = 'auto', ringBytes } = options
  const { chunkBytes = CHUNK_AREA_BYTES } = options
  const { threads: workers = 1, spinUs: spinWantedUs = SPIN_US } = options
  const threads = checkThreads('threads', workers, 0, THREADS_MAX - 1)
  const threadsMax =
    options.threadsMax === undefined
      ? Math.min(THREADS_MAX, Math.max(8, threads + 4))
      : checkThreads('threadsMax', options.threadsMax, threads + 1, THREADS_MAX)
  if (typeof onError !== 'function') throw invalid('onError', onError, 'a function')
  const spinUs = checkCount('spinUs', spinWantedUs, 0, 1_000_000)
  const spinBudgetUs = spinUs === 0 ? 0 : Math.max(spinUs, SPIN_BUDGET_US)
  return {
    name: engineName(options.name),
    threads,
    threadsMax,
    ringBytes,
    chunkBytes: checkCount('chunkBytes', chunkBytes, 0, CHUNK_AREA_BYTES_MAX),
    addon: checkAddon(addon),
    spinUs,
    spinBudgetUs,
    placement: checkPlacement(placement),
    deadLetters: checkLetterOptions(options.deadLetters),
    subjects: policyFor(options.subjects, options.compression, threadsMax),
    onError,
  }
}

function checkThreads(option: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) > max) {
    throw new FlyshuttleError('ERR_THREAD_LIMIT', { found: value, wanted: max })
  }
  return checkCount(option, value, min, max)
}

function printError(error: unknown, context: ErrorContext): void {
  const where = context.agent === '' ? `thread ${context.thread}` : `agent ${context.agent}`
  console.error(`[flyshuttle] ${where}, ${context.subject}:`, error)
}
