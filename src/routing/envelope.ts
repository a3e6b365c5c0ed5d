// What a message says about itself beside its value: made from the options of a publish or a
// request, kept with the parcel while it waits, written into the frame's optional blocks.
//
// Most messages say nothing. They share one envelope, and the fast ways are theirs alone.

import { checkKeys, invalid } from '../base/checks.js'
import type { Clock } from '../base/clock.js'
import { TIMEOUT_MS_MAX } from '../base/limits.js'
import { PRIORITIES, type Priority } from '../base/priority.js'
import { NO_HEADERS, encodeHeaders, type Headers } from '../codec/headers.js'

/** How one message is to be treated, a request as well. */
export interface MessageOptions {
  /** Texts that travel beside the value; handlers read them as `info.headers`. */
  readonly headers?: Headers
  /**
   * What the message is about: queue groups with key affinity hand all messages of one key to one
   * member.
   */
  readonly key?: string | number
  /**
   * How urgent it is, wherever messages wait in line: for a busy handler, or at the sender for
   * room. Default 'normal'.
   */
  readonly priority?: Priority
}

export interface PublishOptions extends MessageOptions {
  /**
   * How long anybody wants it, ms. A message that has not reached its handler by then is counted
   * and never handled. Default: for ever.
   */
  readonly ttlMs?: number
}

export interface Envelope {
  readonly headers: Headers
  /** As they stand in the frame; empty for none. */
  readonly headersBytes: Uint8Array
  /** Number of a priority; 0 is normal. */
  readonly priority: number
  /** CLOCK_MONOTONIC, ms: after that nobody wants the message any more. */
  readonly deadlineMs: number
  /** How long that was from the start. */
  readonly ttlMs: number
  readonly key: string | number | null
  /** For every member of a queue group, and not for one of them. */
  readonly toAll: boolean
}

export const PLAIN: Envelope = Object.freeze({
  headers: NO_HEADERS,
  headersBytes: new Uint8Array(0),
  priority: 0,
  deadlineMs: Infinity,
  ttlMs: Infinity,
  key: null,
  toAll: false,
})

export const MESSAGE_OPTIONS = ['headers', 'key', 'priority']
const PUBLISH_OPTIONS = [...MESSAGE_OPTIONS, 'ttlMs']

/**
 * What the options of a publish say.
 *
 * @throws ERR_OPTION_INVALID
 */
export function envelopeOf(
  what: string,
  options: PublishOptions | undefined,
  clock: Clock,
): Envelope {
  if (options === undefined) return PLAIN
  checkKeys(what, options, PUBLISH_OPTIONS)
  const envelope = envelopeOfChecked(options)
  const { ttlMs } = options
  if (ttlMs === undefined) return envelope
  if (typeof ttlMs !== 'number' || !(ttlMs > 0 && ttlMs <= TIMEOUT_MS_MAX)) {
    throw invalid('ttlMs', ttlMs, `a number above 0 and up to ${TIMEOUT_MS_MAX}`)
  }
  return { ...envelope, deadlineMs: clock.nowMs() + ttlMs, ttlMs }
}

/** The same for options whose keys have been checked: those of a request know more. */
export function envelopeOfChecked({ headers, key, priority }: MessageOptions): Envelope {
  if (headers === undefined && key === undefined && priority === undefined) return PLAIN
  return {
    ...PLAIN,
    headers: headers === undefined ? NO_HEADERS : Object.freeze({ ...headers }),
    headersBytes: headers === undefined ? PLAIN.headersBytes : encodeHeaders(headers),
    priority: priority === undefined ? 0 : checkPriority(priority),
    key: key === undefined ? null : checkKey(key),
  }
}

/** Its number. */
function checkPriority(priority: unknown): number {
  const number = PRIORITIES.indexOf(priority as Priority)
  if (number >= 0) return number
  throw invalid('priority', priority, `one of ${PRIORITIES.join(', ')}`)
}

function checkKey(key: unknown): string | number {
  if (typeof key === 'string' || (typeof key === 'number' && Number.isFinite(key))) return key
  throw invalid('key', key, 'a text or a finite number')
}
