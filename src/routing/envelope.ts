// What a message says about itself beside its value: made from the options of a publish or a
// request, kept with the parcel while it waits, written into the frame's optional blocks.
//
// Most messages say nothing. They share one envelope, and the fast ways are theirs alone.

import { checkKeys, invalid } from '../base/checks.js'
import { NO_HEADERS, encodeHeaders, type Headers } from '../codec/headers.js'

/** How one message is to be treated. */
export interface PublishOptions {
  /** Texts that travel beside the value; handlers read them as `info.headers`. */
  readonly headers?: Headers
  /**
   * What the message is about: queue groups with key affinity hand all messages of one key to one
   * member.
   */
  readonly key?: string | number
}

export interface Envelope {
  readonly headers: Headers
  /** As they stand in the frame; empty for none. */
  readonly headersBytes: Uint8Array
  /** 0 is normal. */
  readonly priority: number
  /** CLOCK_MONOTONIC, ms: after that nobody wants the message any more. */
  readonly deadlineMs: number
  readonly key: string | number | null
}

export const PLAIN: Envelope = Object.freeze({
  headers: NO_HEADERS,
  headersBytes: new Uint8Array(0),
  priority: 0,
  deadlineMs: Infinity,
  key: null,
})

export const PUBLISH_OPTIONS = ['headers', 'key']

/**
 * What the options of a publish say.
 *
 * @throws ERR_OPTION_INVALID
 */
export function envelopeOf(what: string, options: PublishOptions | undefined): Envelope {
  if (options === undefined) return PLAIN
  checkKeys(what, options, PUBLISH_OPTIONS)
  return envelopeOfChecked(options)
}

/** The same for options whose keys have been checked: those of a request know more. */
export function envelopeOfChecked({ headers, key }: PublishOptions): Envelope {
  if (headers === undefined && key === undefined) return PLAIN
  return {
    ...PLAIN,
    headers: headers === undefined ? NO_HEADERS : Object.freeze({ ...headers }),
    headersBytes: headers === undefined ? PLAIN.headersBytes : encodeHeaders(headers),
    key: key === undefined ? null : checkKey(key),
  }
}

function checkKey(key: unknown): string | number {
  if (typeof key === 'string' || (typeof key === 'number' && Number.isFinite(key))) return key
  throw invalid('key', key, 'a text or a finite number')
}
