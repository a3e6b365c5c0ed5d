// What `createEngine` takes, checked before anything is built.

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { FlyshuttleError, describe } from '../base/errors.js'
import { SPIN_BUDGET_US, SPIN_US, THREADS_MAX } from '../base/limits.js'
import type { ErrorContext } from './control.js'

export interface EngineOptions {
  /**
   * Worker threads to start, besides the main thread. Default 1; 0 runs every agent on the main
   * thread.
   */
  readonly threads?: number
  /**
   * Places for threads, the main thread included; fixed for the engine's life. Default: some to
   * spare.
   */
  readonly threadsMax?: number
  /**
   * Bytes of each bulk ring, a power of two; a frame takes at most a quarter of it. Default: from a
   * budget.
   */
  readonly ringBytes?: number
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
   * Told about errors that no caller waits for: a handler of a publish threw, a thread ended
   * unexpectedly. Default: a line on stderr.
   */
  readonly onError?: (error: unknown, context: ErrorContext) => void
}

export interface CheckedOptions {
  readonly threads: number
  readonly threadsMax: number
  readonly ringBytes: number | undefined
  readonly addon: boolean | 'auto'
  readonly spinUs: number
  readonly spinBudgetUs: number
  readonly onError: (error: unknown, context: ErrorContext) => void
}

const ENGINE_OPTIONS = ['threads', 'threadsMax', 'ringBytes', 'addon', 'spinUs', 'onError']

/** @throws ERR_OPTION_INVALID, ERR_THREAD_LIMIT */
export function checkOptions(options: EngineOptions): CheckedOptions {
  checkKeys('createEngine', options, ENGINE_OPTIONS)
  const threads = checkThreads('threads', options.threads ?? 1, 0, THREADS_MAX - 1)
  const threadsMax =
    options.threadsMax === undefined
      ? Math.min(THREADS_MAX, Math.max(8, threads + 4))
      : checkThreads('threadsMax', options.threadsMax, threads + 1, THREADS_MAX)
  const { addon = 'auto', onError = printError, ringBytes } = options
  if (addon !== 'auto' && typeof addon !== 'boolean') {
    throw invalid('addon', addon, "true, false or 'auto'")
  }
  if (typeof onError !== 'function') throw invalid('onError', onError, 'a function')
  const spinUs = checkCount('spinUs', options.spinUs ?? SPIN_US, 0, 1_000_000)
  const spinBudgetUs = spinUs === 0 ? 0 : Math.max(spinUs, SPIN_BUDGET_US)
  return { threads, threadsMax, ringBytes, addon, spinUs, spinBudgetUs, onError }
}

/** @throws ERR_OPTION_INVALID unless `value` is an integer within the bounds */
export function checkCount(option: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number
  }
  throw invalid(option, value, `an integer from ${min} to ${max}`)
}

/** @throws ERR_OPTION_INVALID unless `options` is an object that holds none but the known keys */
export function checkKeys(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid('options', options, `an object, for ${what}`)
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    throw invalid(key, (options as Record<string, unknown>)[key], `one of ${known.join(', ')}`)
  }
}

/**
 * CPUs that this process may keep busy: affinity, and a container's quota (cgroup v2) where there
 * is one.
 */
export function usableCores(): number {
  const cores = availableParallelism()
  try {
    const limits = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8')
    const [quota = 'max', period = '100000'] = limits.split(' ')
    if (quota === 'max') return cores
    return Math.max(1, Math.min(cores, Math.floor(Number(quota) / Number(period))))
  } catch {
    // No cgroup v2 here: the affinity is all there is to know.
    return cores
  }
}

function checkThreads(option: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) > max) {
    throw new FlyshuttleError('ERR_THREAD_LIMIT', { found: value, wanted: max })
  }
  return checkCount(option, value, min, max)
}

function invalid(option: string, found: unknown, wanted: string): FlyshuttleError {
  return new FlyshuttleError('ERR_OPTION_INVALID', { option, found: describe(found), wanted })
}

function printError(error: unknown, context: ErrorContext): void {
  const where = context.agent === '' ? `thread ${context.thread}` : `agent ${context.agent}`
  console.error(`[flyshuttle] ${where}, ${context.subject}:`, error)
}
