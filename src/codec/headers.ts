// Headers: short texts by name that travel beside a value, as in NATS.
//
// They are JSON in the frame. What a sender hands over is checked before anything is written; what
// a frame holds is checked again, since another thread wrote it.

import { invalid } from '../base/checks.js'
import { HEADERS_BYTES_MAX } from '../base/limits.js'

/** Texts by name. Names are printable ASCII without a colon or a space; case matters. */
export type Headers = Readonly<Record<string, string>>

export const NO_HEADERS: Headers = Object.freeze(Object.create(null) as Record<string, string>)

const NAME = /^[!-9;-~]+$/
const LINE_END = /[\r\n]/

/**
 * The bytes of `headers`, as they stand in a frame.
 *
 * @throws ERR_OPTION_INVALID for anything but an object of texts, for a name or a text that NATS
 * would refuse, and for more bytes than the limit
 */
export function encodeHeaders(headers: unknown): Uint8Array {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw invalid('headers', headers, 'an object of texts by name')
  }
  for (const [name, text] of Object.entries(headers as Record<string, unknown>)) {
    if (!NAME.test(name)) throw invalid('headers', name, 'names of printable ASCII without colon')
    if (typeof text !== 'string' || LINE_END.test(text)) {
      throw invalid(`headers.${name}`, text, 'a text of one line')
    }
  }
  const bytes = Buffer.from(JSON.stringify(headers))
  if (bytes.length <= HEADERS_BYTES_MAX) return bytes
  throw invalid('headers', `${bytes.length} bytes`, `at most ${HEADERS_BYTES_MAX}`)
}

/** The headers in the bytes from `start` to `end`; null when there are none. */
export function decodeHeaders(buffer: Buffer, start: number, end: number): Headers | null {
  let found: unknown
  try {
    found = JSON.parse(buffer.toString('utf8', start, end))
  } catch {
    return null
  }
  if (typeof found !== 'object' || found === null) return null
  const headers = Object.create(null) as Record<string, string>
  for (const [name, text] of Object.entries(found)) {
    if (typeof text !== 'string') return null
    headers[name] = text
  }
  return Object.freeze(headers)
}
