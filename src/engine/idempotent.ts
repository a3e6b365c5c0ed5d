// Requests that may be handled more than once: when whoever has one dies or stops, another
// responder gets it, within the same deadline.

import { FlyshuttleError } from '../base/errors.js'
import { IDEMPOTENT_ATTEMPTS_MAX } from '../base/limits.js'
import type { Clock } from '../base/clock.js'
import { checkTimeoutMs, type RequestOptions } from '../routing/requests.js'

/**
 * Errors that say that a request was not handled to its end, and may go to somebody else. A handler
 * may throw one with the same code, of a request of its own; that is another matter.
 */
const movable = new WeakSet<object>()

export function markMovable<E extends Error>(error: E): E {
  movable.add(error)
  return error
}

/** Asks by `ask` until somebody has handled the request, or nobody is left. */
export async function askIdempotently(
  ask: (options: RequestOptions) => Promise<unknown>,
  options: RequestOptions,
  clock: Clock,
): Promise<unknown> {
  const deadlineMs = clock.nowMs() + checkTimeoutMs(options.timeoutMs)
  let last: unknown = null
  for (let attempt = 1; ; attempt++) {
    const timeoutMs = deadlineMs - clock.nowMs()
    if (timeoutMs <= 0) throw last
    try {
      return await ask({ ...options, timeoutMs })
    } catch (error) {
      const isNobodyLeft =
        last !== null && error instanceof FlyshuttleError && error.code === 'ERR_NO_RESPONDERS'
      if (isNobodyLeft && !movable.has(error)) throw last
      if (!movable.has(error as object) || attempt === IDEMPOTENT_ATTEMPTS_MAX) throw error
      last = error
    }
  }
}
