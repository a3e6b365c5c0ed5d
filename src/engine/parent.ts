// A request made on behalf of another: it may not last longer than that one, and ends with it.

import { RequestTicket } from '../agent/info.js'
import { invalid } from '../base/checks.js'
import { FlyshuttleError } from '../base/errors.js'
import { REQUEST_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { checkSignal, checkTimeoutMs, type ParentOptions } from '../routing/requests.js'

interface Inheriting extends ParentOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * The options with what they inherit.
 *
 * @throws ERR_OPTION_INVALID, ERR_TIMEOUT when the parent's deadline has passed
 */
export function withParent<O extends Inheriting>(options: O, subject: string): O {
  const { parent } = options
  if (parent === undefined) return options
  if (!(parent instanceof RequestTicket)) {
    throw invalid('parent', parent, 'the info of a request')
  }
  const ownMs = options.timeoutMs === undefined ? undefined : checkTimeoutMs(options.timeoutMs)
  const timeoutMs = Math.min(ownMs ?? REQUEST_TIMEOUT_MS_DEFAULT, parent.remainingMs)
  if (timeoutMs <= 0) throw new FlyshuttleError('ERR_TIMEOUT', { subject, wanted: 0 })
  const own = checkSignal(options.signal)
  const signal = own === null ? parent.signal : AbortSignal.any([own, parent.signal])
  return { ...options, timeoutMs, signal }
}
