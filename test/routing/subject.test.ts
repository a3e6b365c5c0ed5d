// The grammar of subjects and patterns, case by case, and what its refusals say.

import { describe, expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import { SUBJECT_BYTES_MAX, SUBJECT_TOKENS_MAX } from '../../src/base/limits.js'
import {
  checkPattern,
  checkSubject,
  isPattern,
  subjectMatches,
  tokensOf,
} from '../../src/routing/subject.js'

/** The refusal of `act`, as the caller sees it. */
function refusalOf(act: () => unknown): { code: string; message: string } {
  try {
    act()
  } catch (error) {
    if (error instanceof FlyshuttleError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was refused')
}

const tokens = (count: number): string => Array.from({ length: count }, () => 'a').join('.')

const CONCRETE = [
  'a',
  'orders.new',
  'orders.new.eu-west_1',
  'foo.bar.baz.qux',
  '$SYS.x',
  '$flyer.x',
  'a.$fly',
  '0',
  'a,b.c;d!~',
  '{}.[]."',
  'x'.repeat(SUBJECT_BYTES_MAX),
  tokens(SUBJECT_TOKENS_MAX),
]

const WILD = ['*', '>', '*.*', 'foo.*', '*.foo', 'foo.*.bar', 'foo.>', '*.>', '*.*.>', '$fly.>']

/** Text, what a subscriber is told, what a publisher is told. */
const REFUSED: [text: string, asPattern: string, asSubject?: string][] = [
  ['', 'it is empty; wanted at least one token'],
  ['.', 'token 1 is empty; wanted tokens between dots'],
  ['.foo', 'token 1 is empty'],
  ['foo.', 'token 2 is empty'],
  ['foo..bar', 'token 2 is empty'],
  ['foo.bar..', 'token 3 is empty'],
  ['foo bar', 'a space (U+0020) at character 4; wanted visible ASCII characters'],
  [' foo', 'a space (U+0020) at character 1'],
  ['foo\t', 'U+0009 at character 4'],
  ['foo\r\n', 'U+000D at character 4'],
  ['a.\0', 'U+0000 at character 3'],
  ['a\x7f', 'U+007F at character 2'],
  ['a\u00a0b', 'U+00A0 at character 2'],
  ['zürich', '"ü" (U+00FC) at character 2'],
  ['a.😀', '"😀" (U+1F600) at character 3'],
  ['a.\ud83d', 'U+D83D at character 3'],
  ['a\u200bb', 'U+200B at character 2'],
  ['foo*', '"*" inside token 1; wanted "*" as a whole token', 'token 1; wanted a concrete subject'],
  ['foo*bar', '"*" inside token 1'],
  ['a.*b', '"*" inside token 2'],
  ['**', '"*" inside token 1'],
  ['a.>>', '">" inside token 2; wanted ">" as a whole token'],
  ['a.b>', '">" inside token 2'],
  ['*>', '">" inside token 1'],
  ['>.a', '">" at token 1 of 2; wanted ">" only as the last token', 'a wildcard at token 1'],
  ['a.>.b', '">" at token 2 of 3', 'a wildcard at token 2'],
  ['>.>', '">" at token 1 of 2', 'a wildcard at token 1'],
  ['>.', '">" at token 1 of 2', 'a wildcard at token 1'],
  ['x'.repeat(SUBJECT_BYTES_MAX + 1), '256 characters; wanted at most 255'],
  [tokens(SUBJECT_TOKENS_MAX + 1), '33 tokens; wanted at most 32'],
]

describe('a concrete subject', () => {
  test.each(CONCRETE)('%s may be published to and subscribed to', (subject) => {
    expect(checkSubject(subject)).toBe(subject)
    expect(checkPattern(subject)).toBe(subject)
    expect(isPattern(subject)).toBe(false)
  })

  test.each(['$fly', '$fly.thread.up'])('%s belongs to the engine', (subject) => {
    const { code, message } = refusalOf(() => checkSubject(subject))
    expect(code).toBe('ERR_SUBJECT_INVALID')
    expect(message).toContain('the reserved first token $fly; wanted a subject of your own')
    expect(() => checkSubject(subject, { internal: false })).toThrow(FlyshuttleError)
    expect(checkSubject(subject, { internal: true })).toBe(subject)
    expect(checkPattern(subject)).toBe(subject)
  })
})

describe('a wildcard', () => {
  test.each(WILD)('%s may be subscribed to and not published to', (pattern) => {
    expect(checkPattern(pattern)).toBe(pattern)
    expect(isPattern(pattern)).toBe(true)
    expect(() => checkSubject(pattern, { internal: true })).toThrow(/a wildcard at token \d/)
  })

  test('a publisher is told where the wildcard stands', () => {
    expect(refusalOf(() => checkSubject('foo.*.bar')).message).toBe(
      'subject "foo.*.bar" is not valid: a wildcard at token 2; wanted a concrete subject',
    )
  })
})

describe('what is refused', () => {
  test.each(REFUSED)('%j: %s', (text, asPattern, asSubject = asPattern.replace(/;.*/, '')) => {
    const subscribing = refusalOf(() => checkPattern(text))
    expect(subscribing.code).toBe('ERR_SUBJECT_INVALID')
    expect(subscribing.message).toContain(asPattern)
    const publishing = refusalOf(() => checkSubject(text))
    expect(publishing.code).toBe('ERR_SUBJECT_INVALID')
    expect(publishing.message).toContain(asSubject)
  })

  const NO_STRINGS = [undefined, null, 7, 7n, Symbol('s'), ['a'], { a: 1 }, () => 'a', Object('a')]
  test.each(NO_STRINGS)('a subject that is no string: %o', (value) => {
    for (const check of [checkSubject, checkPattern]) {
      const { code, message } = refusalOf(() => check(value))
      expect(code).toBe('ERR_SUBJECT_INVALID')
      expect(message).toMatch(/^subject .+ is not valid: it is no string; wanted a string$/)
    }
  })

  test('control characters do not reach the message as they are', () => {
    const { message } = refusalOf(() => checkSubject('a\u001b[31m'))
    expect(message).toContain(String.raw`"a\u001b[31m"`)
  })
})

/** Pattern, subjects it matches, subjects it does not match. */
const MATCHES: [pattern: string, yes: string[], no: string[]][] = [
  ['foo', ['foo'], ['fo', 'fooo', 'foo.bar', 'bar', 'FOO']],
  ['foo.bar', ['foo.bar'], ['foo', 'foo.bar.baz', 'foo.ba', 'fooxbar']],
  ['*', ['foo', '1'], ['foo.bar', '$SYS']],
  ['*.*', ['foo.bar'], ['foo', 'foo.bar.baz', '$SYS.foo']],
  ['foo.*', ['foo.bar', 'foo.$x'], ['foo', 'foo.bar.baz', 'bar.foo']],
  ['foo.*.bar', ['foo.x.bar'], ['foo.bar', 'foo.x.y.bar', 'foo.x.baz']],
  ['*.foo.*', ['a.foo.b'], ['foo.a.b', 'a.foo', 'a.foo.b.c']],
  ['>', ['foo', 'foo.bar', 'a.b.c.d'], ['$SYS', '$fly.thread.up']],
  ['foo.>', ['foo.bar', 'foo.bar.baz', 'foo.$x.y'], ['foo', 'fooo.bar', 'bar.foo']],
  ['foo.*.>', ['foo.a.b', 'foo.a.b.c'], ['foo', 'foo.a', 'bar.a.b']],
  ['*.>', ['a.b', 'a.b.c'], ['a', '$SYS.a']],
  ['$fly.>', ['$fly.a', '$fly.a.b'], ['$fly', '$flyer.a']],
  ['$SYS.*', ['$SYS.a'], ['SYS.a', '$SYS.a.b']],
]

describe('matching', () => {
  test.each(MATCHES)('%s', (pattern, yes, no) => {
    expect(yes.filter((subject) => !subjectMatches(pattern, subject))).toEqual([])
    expect(no.filter((subject) => subjectMatches(pattern, subject))).toEqual([])
  })
})

test('tokens come in order', () => {
  expect(tokensOf('a')).toEqual(['a'])
  expect(tokensOf('orders.*.>')).toEqual(['orders', '*', '>'])
})
