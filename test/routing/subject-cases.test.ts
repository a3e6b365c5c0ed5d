// Subjects as the documentation of NATS has them, case by case, the ugly ones too: who may publish
// to it, who may subscribe to it, what it matches, and what its wildcards stand for. Each case is
// put to the definition and to the trie. Where we refuse what NATS takes literally, the case says
// so.
//
// The cases follow "Subject-Based Messaging" of docs.nats.io and the remarks on wildcards of the
// NATS clients.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { capturedTokens } from '../../src/agent/captured.js'
import { checkPattern, checkSubject, isPattern, subjectMatches } from '../../src/routing/subject.js'
import { SubjectTrie } from '../../src/routing/subject-trie.js'

/** Pattern, subject, and what the wildcards stand for; null when it does not match. */
const MATCHES: [pattern: string, subject: string, tokens: string[] | null][] = [
  // The world clock of the documentation.
  ['time.us', 'time.us', []],
  ['time.us', 'time.us.east', null],
  ['time.us.east', 'time.us', null],
  ['time.*.east', 'time.us.east', ['us']],
  ['time.*.east', 'time.eu.east', ['eu']],
  ['time.*.east', 'time.eu.warsaw', null],
  ['time.*.east', 'time.east', null],
  ['time.*.east', 'time.us.new.east', null],
  ['time.us.*', 'time.us.east', ['east']],
  ['time.us.*', 'time.us.east.atlanta', null],
  ['time.us.*', 'time.us', null],
  ['time.us.>', 'time.us.east', ['east']],
  ['time.us.>', 'time.us.east.atlanta', ['east.atlanta']],
  ['time.us.>', 'time.us', null],
  ['time.us.>', 'time.usa.east', null],
  ['*.*.*.>', 'time.us.east.atlanta', ['time', 'us', 'east', 'atlanta']],
  ['*.*.*.>', 'time.us.east', null],
  ['*.*.east.>', 'time.us.east.atlanta', ['time', 'us', 'atlanta']],
  ['>', 'time', ['time']],
  ['>', 'time.us.east', ['time.us.east']],
  // What clients say of wildcards.
  ['foo.*.baz', 'foo.bar.baz', ['bar']],
  ['foo.*.baz', 'foo.baz', null],
  ['foo.*.baz', 'foo.bar.baz.22', null],
  ['foo.bar.*', 'foo.bar.baz', ['baz']],
  ['foo.>', 'foo.foo.bar.bax.22', ['foo.bar.bax.22']],
  ['foo.>', 'foo', null],
  ['foo.*', 'bar.foo', null],
  ['*', 'foo', ['foo']],
  ['*', 'foo.bar', null],
  ['*.bar', 'foo.bar', ['foo']],
  ['foo.*.>', 'foo.bar', null],
  ['foo.*.>', 'foo.bar.baz.22', ['bar', 'baz.22']],
  // Names are case-sensitive, and a token is compared as a whole.
  ['Orders.created', 'orders.created', null],
  ['orders.*', 'ordersX.new', null],
  ['orders.*', 'Orders.new', null],
  ['foo.b', 'foo.bar', null],
  ['foo.bar', 'foo.b', null],
  // What looks special and is not.
  ['a-b._c.1', 'a-b._c.1', []],
  ['foo.$x', 'foo.$x', []],
  ['foo.*', 'foo.$x', ['$x']],
  ['foo.#', 'foo.bar', null],
  ['foo.#', 'foo.#', []],
  ['foo.?', 'foo.b', null],
  ['foo.+', 'foo.bar', null],
  ['foo.[ab]', 'foo.a', null],
  ['(.)', '(.)', []],
  ['foo\\.bar', 'foo.bar', null],
  ['__proto__.*', '__proto__.constructor', ['constructor']],
  // Names that begin with $ belong to systems: a wildcard in the first place does not see them.
  ['$SYS.>', '$SYS.ACCOUNT.x', ['ACCOUNT.x']],
  ['$SYS.*.CONNECT', '$SYS.a.CONNECT', ['a']],
  ['>', '$SYS.ACCOUNT', null],
  ['*.ACCOUNT', '$SYS.ACCOUNT', null],
  ['*.>', '$JS.API.INFO', null],
  ['$JS.>', '$JS', null],
]

describe('a pattern and a subject', () => {
  test.each(MATCHES)('%s and %s: %j', (pattern, subject, tokens) => {
    expect(checkPattern(pattern)).toBe(pattern)
    expect(checkSubject(subject)).toBe(subject)
    const trie = new SubjectTrie<string>()
    trie.insert(pattern, 'found')
    expect(subjectMatches(pattern, subject)).toBe(tokens !== null)
    expect(trie.match(subject)).toEqual(tokens === null ? [] : ['found'])
    if (tokens !== null) expect(capturedTokens(pattern, subject)).toEqual(tokens)
  })
})

/** Neither a subject nor a pattern, and why. NATS refuses the first block, too. */
const REFUSED: [text: string, because: RegExp][] = [
  ['', /it is empty/],
  ['.', /token 1 is empty/],
  ['..', /token 1 is empty/],
  ['.time', /token 1 is empty/],
  ['time.', /token 2 is empty/],
  ['time..us', /token 2 is empty/],
  ['time.us..', /token 3 is empty/],
  ['time us', /a space \(U\+0020\) at character 5/],
  [' time', /a space \(U\+0020\) at character 1/],
  ['time ', /a space \(U\+0020\) at character 5/],
  ['time. .us', /a space \(U\+0020\) at character 6/],
  ['time\tus', /U\+0009 at character 5/],
  ['time\nus', /U\+000A at character 5/],
  ['time\r', /U\+000D at character 5/],
  ['time.\0', /U\+0000 at character 6/],
  ['>.us', />" at token 1 of 2|a wildcard at token 1/],
  ['time.>.us', />" at token 2 of 3|a wildcard at token 2/],
  ['time.>.', />" at token 2 of 3|a wildcard at token 2/],
  ['>.>', />" at token 1 of 2|a wildcard at token 1/],
  // NATS takes these literally: a pattern that would match none but itself.
  ['foo*', /"\*" inside token 1/],
  ['f*o.b*r', /"\*" inside token 1/],
  ['foo.**', /"\*" inside token 2/],
  ['foo.*>', />" inside token 2/],
  ['foo.>*', /"\*" inside token 2/],
  ['foo>', />" inside token 1/],
  ['foo.>>', />" inside token 2/],
  ['>foo', />" inside token 1/],
  // NATS takes any text; here a character is a byte.
  ['größe', /"ö" \(U\+00F6\) at character 3/],
  ['时间.us', /U\+65F6\) at character 1/],
]

describe('what is neither subject nor pattern', () => {
  test.each(REFUSED)('%j', (text, because) => {
    const said = expect.objectContaining({
      code: 'ERR_SUBJECT_INVALID',
      message: expect.stringMatching(because) as string,
    })
    expect(() => checkPattern(text)).toThrow(said)
    expect(() => checkSubject(text)).toThrow(said)
  })

  test.each(['*', '>', 'time.*', 'time.>', '*.*.*.>', '$SYS.>'])(
    '%s is a pattern: publishing to it says where its wildcard stands',
    (pattern) => {
      expect(checkPattern(pattern)).toBe(pattern)
      expect(isPattern(pattern)).toBe(true)
      const found = /a wildcard at token \d; wanted a concrete subject/
      expect(() => checkSubject(pattern)).toThrow(found)
    },
  )
})

describe('against a naive matcher', () => {
  const name = fc.constantFrom('a', 'b', 'a-b', '$s', '[a]', '\\w')
  const subjects = fc.array(name, { minLength: 1, maxLength: 4 }).map((all) => all.join('.'))
  const patterns = fc
    .tuple(fc.array(fc.oneof(name, fc.constant('*')), { maxLength: 4 }), fc.boolean())
    .map(([all, isOpen]) => (isOpen || all.length === 0 ? [...all, '>'] : all).join('.'))

  /** A pattern as a regular expression whose groups are what the wildcards stand for. */
  function expressionOf(pattern: string): RegExp {
    const parts = pattern.split('.').map((token, i) => {
      const guard = i === 0 ? '(?!\\$)' : ''
      if (token === '*') return `${guard}([^.]+)`
      if (token === '>') return `${guard}(.+)`
      return token.replace(/[$[\]\\^.*+?(){}|]/g, '\\$&')
    })
    return new RegExp(`^${parts.join('\\.')}$`)
  }

  test('matches and captures what a regular expression does', () => {
    let matched = 0
    fc.assert(
      fc.property(patterns, subjects, (pattern, subject) => {
        const found = expressionOf(pattern).exec(subject)
        expect(subjectMatches(pattern, subject)).toBe(found !== null)
        if (found === null) return
        matched++
        expect(capturedTokens(pattern, subject)).toEqual(found.slice(1))
      }),
      { numRuns: 5000 },
    )
    expect(matched).toBeGreaterThan(500)
  })
})
