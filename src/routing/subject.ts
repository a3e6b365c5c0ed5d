// The grammar of subjects and patterns: what NATS users know, a little stricter.
//
//   subject   orders.new.eu      tokens of visible ASCII between dots; what one publishes to
//   pattern   orders.*           `*` stands for exactly one token
//             orders.>           `>` stands for one or more tokens: it does not match `orders`
//
// Checked once where a subject enters the engine; everything behind that border trusts it. Where we
// differ from NATS:
//   - `foo*bar` and `a>` are refused, not taken literally: nearly always a pattern that would never
//     match.
//   - Control and non-ASCII characters are refused: a subject's length is its number of bytes.
//   - A wildcard in the first token does not match a first token that starts with `$`. So `>` sees
//     what users send and nothing of what systems send; `$fly.>` must be asked for by name.
//   - `$fly` and everything below it can be published by the engine alone.
// Messages count tokens and characters from 1, as people do.

import { describe, FlyshuttleError } from '../base/errors.js'
import { SUBJECT_BYTES_MAX, SUBJECT_TOKENS_MAX } from '../base/limits.js'

const DOT = 0x2e
const STAR = 0x2a
const GREATER = 0x3e
const SPACE = 0x20
const DELETE = 0x7f

const RESERVED_TOKEN = '$fly'

export interface SubjectOptions {
  /** The engine itself publishes: subjects below `$fly` are allowed. */
  readonly internal?: boolean
}

/**
 * The given subject, if one can publish to it: no wildcard, nothing reserved.
 *
 * @throws ERR_SUBJECT_INVALID naming the token or character that is wrong
 * @example
 * checkSubject('orders.new')  // 'orders.new'
 * checkSubject('orders.*')    // throws: a wildcard at token 2; wanted a concrete subject
 */
export function checkSubject(subject: unknown, options?: SubjectOptions): string {
  checkGrammar(subject, false)
  if (options?.internal !== true && isReserved(subject)) {
    refuse(subject, `the reserved first token ${RESERVED_TOKEN}`, 'a subject of your own')
  }
  return subject
}

/**
 * The given pattern, if one can subscribe to it. A concrete subject is a pattern too, also one
 * below `$fly`.
 *
 * @throws ERR_SUBJECT_INVALID naming the token or character that is wrong
 * @example
 * checkPattern('orders.>')    // 'orders.>'
 * checkPattern('>.orders')    // throws: ">" at token 1 of 2; wanted ">" only as the last token
 */
export function checkPattern(pattern: unknown): string {
  checkGrammar(pattern, true)
  return pattern
}

/**
 * Whether a checked pattern holds a wildcard. The grammar allows the two characters nowhere else.
 */
export function isPattern(checked: string): boolean {
  return checked.includes('*') || checked.includes('>')
}

/** The tokens of a checked subject or pattern, in order; at least one. */
export function tokensOf(checked: string): string[] {
  return checked.split('.')
}

/**
 * Whether a checked pattern matches a checked subject: the definition, written to be read.
 * `SubjectTrie` gives the same answer for many patterns at once.
 *
 * @example
 * subjectMatches('orders.>', 'orders.new.eu') // true
 * subjectMatches('orders.>', 'orders')        // false
 * subjectMatches('>', '$fly.thread.up')       // false: `$` must be named
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = tokensOf(pattern)
  const found = tokensOf(subject)
  const firstIsWild = wanted[0] === '*' || wanted[0] === '>'
  if (firstIsWild && subject.startsWith('$')) return false
  const endsOpen = wanted.at(-1) === '>'
  if (endsOpen) wanted.pop()
  const fits = endsOpen ? found.length > wanted.length : found.length === wanted.length
  return fits && wanted.every((token, index) => token === '*' || token === found[index])
}

/**
 * Whether some subject matches both of two checked patterns.
 *
 * @example
 * patternsOverlap('orders.*', '*.new') // true: orders.new
 * patternsOverlap('orders.>', 'orders') // false
 */
export function patternsOverlap(one: string, other: string): boolean {
  const [left, right] = [tokensOf(one), tokensOf(other)]
  // A wildcard in the first token does not match what starts with `$`.
  const isHidden = (first = '', second = ''): boolean =>
    (first === '*' || first === '>') && second.startsWith('$')
  if (isHidden(left[0], right[0]) || isHidden(right[0], left[0])) return false
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const [a, b] = [left[index], right[index]]
    if (a === '>' || b === '>') return true
    if (a !== b && a !== '*' && b !== '*') return false
  }
  return left.length === right.length
}

/** One pass over the characters; allocates nothing unless it refuses. */
function checkGrammar(text: unknown, wildcards: boolean): asserts text is string {
  if (typeof text !== 'string') refuse(text, 'it is no string', 'a string')
  if (text.length === 0) refuse(text, 'it is empty', 'at least one token')
  if (text.length > SUBJECT_BYTES_MAX) {
    refuse(text, `${text.length} characters`, `at most ${SUBJECT_BYTES_MAX}`)
  }
  let token = 1
  let tokenStart = 0
  let wildcard = ''
  for (let index = 0; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : DOT
    if (code === STAR || code === GREATER) {
      wildcard = code === STAR ? '*' : '>'
    } else if (code === DOT) {
      if (index === tokenStart) refuse(text, `token ${token} is empty`, 'tokens between dots')
      const isWhole = index - tokenStart === 1
      if (wildcard !== '') checkWildcard(text, wildcard, token, isWhole, wildcards, index)
      if (index === text.length) return
      token++
      if (token > SUBJECT_TOKENS_MAX) {
        refuse(text, `${tokensOf(text).length} tokens`, `at most ${SUBJECT_TOKENS_MAX}`)
      }
      tokenStart = index + 1
      wildcard = ''
    } else if (code <= SPACE || code >= DELETE) {
      refuse(text, `${nameOf(text, index)} at character ${index + 1}`, 'visible ASCII characters')
    }
  }
}

/** Refuses a wildcard that may not stand where it does. `end` is the index after its token. */
function checkWildcard(
  text: string,
  wildcard: string,
  token: number,
  isWhole: boolean,
  wildcards: boolean,
  end: number,
): void {
  if (!isWhole) {
    const wanted = wildcards ? `"${wildcard}" as a whole token` : 'a concrete subject'
    refuse(text, `"${wildcard}" inside token ${token}`, wanted)
  }
  if (!wildcards) refuse(text, `a wildcard at token ${token}`, 'a concrete subject')
  if (wildcard === '>' && end < text.length) {
    const found = `">" at token ${token} of ${tokensOf(text).length}`
    refuse(text, found, '">" only as the last token')
  }
}

function isReserved(subject: string): boolean {
  if (!subject.startsWith(RESERVED_TOKEN)) return false
  const end = RESERVED_TOKEN.length
  return subject.length === end || subject.charCodeAt(end) === DOT
}

/**
 * What to call the character at `index` in a message: its sign where it has one, and its code
 * point.
 */
function nameOf(text: string, index: number): string {
  const point = text.codePointAt(index) as number
  const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`
  if (point === SPACE) return `a space (${code})`
  const isSurrogate = point >= 0xd800 && point <= 0xdfff
  const hasSign = point > 0xa0 && !isSurrogate && !/\p{C}|\p{Z}/u.test(String.fromCodePoint(point))
  return hasSign ? `"${String.fromCodePoint(point)}" (${code})` : code
}

function refuse(subject: unknown, found: string, wanted: string): never {
  throw new FlyshuttleError('ERR_SUBJECT_INVALID', { subject: describe(subject), found, wanted })
}
