// The trie against the definition: for every subject it finds what `subjectMatches` finds, one
// pattern at a time.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkPattern, checkSubject, subjectMatches } from '../../src/routing/subject.js'
import { SubjectTrie, tokenHash } from '../../src/routing/subject-trie.js'

const byNumber = (a: number, b: number): number => a - b

function trieOf(patterns: readonly string[]): SubjectTrie<string> {
  const trie = new SubjectTrie<string>()
  for (const pattern of patterns) trie.insert(pattern, pattern)
  return trie
}

// Few tokens, among them two with one hash, so that random subjects and patterns often meet.
const token = fc.constantFrom('a', 'b', 'ab', '$s', '$fly', 'node', 'nodewrRnP3')
const subjects = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'))
const patterns = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: token }, fc.constant('*')), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([tokens, open]) => [...tokens, ...(open || tokens.length === 0 ? ['>'] : [])].join('.'))

describe('finding', () => {
  test('an empty trie finds nothing', () => {
    const trie = new SubjectTrie<number>()
    expect(trie.match('a.b')).toEqual([])
    expect(trie.isEmpty).toBe(true)
  })

  test('exact tokens come before *, and * before >', () => {
    const trie = trieOf(['>', '*.b', 'a.>', '*.*', 'a.*', 'a.b', 'a', 'a.b.c'])
    expect(trie.match('a.b')).toEqual(['a.b', 'a.*', 'a.>', '*.b', '*.*', '>'])
    expect(trie.match('a')).toEqual(['a', '>'])
  })

  test('values under one pattern come in order of insertion, each once', () => {
    const trie = new SubjectTrie<number>()
    const inserted = [3, 1, 3, 2].map((value) => trie.insert('a.*', value))
    expect(inserted).toEqual([true, true, false, true])
    expect(trie.match('a.b')).toEqual([3, 1, 2])
    expect(trie.size).toBe(3)
  })

  test('a value under two patterns is found once for each', () => {
    const trie = new SubjectTrie<number>()
    trie.insert('a.*', 7)
    trie.insert('a.>', 7)
    expect(trie.match('a.b')).toEqual([7, 7])
  })

  test('a wildcard in the first token leaves $ subjects alone', () => {
    const trie = trieOf(['>', '*.x', '$fly.>', '$fly.*'])
    expect(trie.match('$fly.x')).toEqual(['$fly.*', '$fly.>'])
    expect(trie.match('a.x')).toEqual(['*.x', '>'])
  })

  test('the result belongs to the caller', () => {
    const trie = trieOf(['a'])
    trie.match('a').push('b')
    expect(trie.match('a')).toEqual(['a'])
  })

  test('finds what the definition finds', () => {
    fc.assert(
      fc.property(fc.uniqueArray(patterns, { maxLength: 30 }), subjects, (filed, subject) => {
        for (const pattern of filed) checkPattern(pattern)
        checkSubject(subject, { internal: true })
        const wanted = filed.filter((pattern) => subjectMatches(pattern, subject))
        expect(trieOf(filed).match(subject).sort()).toEqual(wanted.sort())
      }),
      { numRuns: 2000 },
    )
  })
})

describe('tokens with one hash', () => {
  // Found by search: going through the last six characters brings FNV-1a back to where it was.
  const [SHORT, LONG, LONGER] = ['node', 'nodewrRnP3', 'nodeYREugr'] as const
  const all = [SHORT, LONG, LONGER]

  test('are what this suite believes them to be', () => {
    const hash = tokenHash(SHORT, 0, SHORT.length)
    expect(tokenHash(LONG, 0, LONG.length)).toBe(hash)
    expect(tokenHash(`x.${LONGER}`, 2, 2 + LONGER.length)).toBe(hash)
  })

  test.each([
    [SHORT, LONG, LONGER],
    [SHORT, LONGER, LONG],
    [LONG, SHORT, LONGER],
    [LONG, LONGER, SHORT],
    [LONGER, SHORT, LONG],
    [LONGER, LONG, SHORT],
  ])('stay apart, whatever leaves first: %s, %s, %s', (...order) => {
    // In the tree, where patterns with a wildcard are.
    const trie = trieOf(all.map((token) => `${token}.>`))
    const left = new Set<string>(all)
    for (const gone of order) {
      for (const token of all) {
        const wanted = left.has(token) ? [`${token}.>`] : []
        expect(trie.match(`${token}.x`)).toEqual(wanted)
      }
      expect(trie.remove(`${gone}.>`, `${gone}.>`)).toBe(true)
      left.delete(gone)
    }
    expect(trie.nodeCount).toBe(1)
  })
})

describe('removing', () => {
  test.each(['a', 'a.b', '*', '>', 'a.>', 'a.*.>', 'a.*.b'])('%s leaves nothing', (pattern) => {
    const trie = trieOf([pattern])
    expect(trie.remove(pattern, 'another')).toBe(false)
    expect(trie.remove(pattern, pattern)).toBe(true)
    expect(trie.remove(pattern, pattern)).toBe(false)
    expect(trie.isEmpty).toBe(true)
    expect(trie.nodeCount).toBe(1)
  })

  test('a neighbour, a longer and a shorter pattern stay', () => {
    const trie = trieOf(['a.b', 'a.b.c', 'a', 'a.*', 'a.b.>'])
    expect(trie.remove('a.b', 'a.b')).toBe(true)
    expect(trie.match('a.b')).toEqual(['a.*'])
    expect(trie.match('a.b.c')).toEqual(['a.b.c', 'a.b.>'])
    expect(trie.match('a')).toEqual(['a'])
  })

  test('a pattern that was never there is not there', () => {
    const trie = trieOf(['a.b'])
    for (const pattern of ['a', 'a.b.c', 'a.>', 'a.*', '>', '*.b', 'c']) {
      expect(trie.remove(pattern, 'a.b')).toBe(false)
    }
    expect(trie.size).toBe(1)
  })

  test('any sequence of changes agrees with a plain list', () => {
    const change = fc.record({
      remove: fc.boolean(),
      pattern: patterns,
      value: fc.integer({ min: 0, max: 2 }),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.array(subjects), (changes, probes) => {
        const trie = new SubjectTrie<number>()
        const list: { pattern: string; value: number }[] = []
        for (const { remove, pattern, value } of changes) {
          const at = list.findIndex((pair) => pair.pattern === pattern && pair.value === value)
          if (remove) {
            expect(trie.remove(pattern, value)).toBe(at !== -1)
            if (at !== -1) list.splice(at, 1)
          } else {
            expect(trie.insert(pattern, value)).toBe(at === -1)
            if (at === -1) list.push({ pattern, value })
          }
          expect(trie.size).toBe(list.length)
        }
        for (const subject of probes) {
          const wanted = list.filter(({ pattern }) => subjectMatches(pattern, subject))
          expect(trie.match(subject).sort(byNumber)).toEqual(
            wanted.map(({ value }) => value).sort(byNumber),
          )
        }
        for (const { pattern, value } of list) expect(trie.remove(pattern, value)).toBe(true)
        expect(trie.isEmpty).toBe(true)
        expect(trie.nodeCount).toBe(1)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a hundred thousand patterns', () => {
  const PATTERNS = 100_000
  const patternOf = (n: number): string =>
    n % 10 === 0 ? `fleet.${n}.*` : n % 10 === 1 ? `fleet.${n}.>` : `fleet.${n}.position`

  test('each subject finds its own pattern, and nothing is left after removal', () => {
    const trie = new SubjectTrie<number>()
    for (let n = 0; n < PATTERNS; n++) trie.insert(patternOf(n), n)
    expect(trie.size).toBe(PATTERNS)
    let misses = 0
    for (let n = 0; n < PATTERNS; n++) {
      const found = trie.match(`fleet.${n}.position`)
      if (found.length !== 1 || found[0] !== n) misses++
    }
    expect(misses).toBe(0)
    for (let n = 0; n < PATTERNS; n++) trie.remove(patternOf(n), n)
    expect(trie.isEmpty).toBe(true)
    expect(trie.nodeCount).toBe(1)
  })

  test('as many values under one pattern are all found and can leave in any order', () => {
    const trie = new SubjectTrie<number>()
    for (let n = 0; n < PATTERNS; n++) trie.insert('a.*', n)
    expect(trie.match('a.b').length).toBe(PATTERNS)
    for (let n = 0; n < PATTERNS; n++) trie.remove('a.*', n)
    expect(trie.nodeCount).toBe(1)
  })
})
