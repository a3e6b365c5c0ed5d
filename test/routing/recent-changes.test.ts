import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHANGES_COMPARED_MAX } from '../../src/base/limits.js'
import { matches, RecentChanges } from '../../src/routing/recent-changes.js'
import { subjectMatches } from '../../src/routing/subject.js'

const token = fc.constantFrom('a', 'b', 'ab', '$s')
const subjects = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'))
const patterns = fc
  .tuple(
    fc.array(fc.oneof({ weight: 2, arbitrary: token }, fc.constant('*')), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([tokens, open]) => [...tokens, ...(open || tokens.length === 0 ? ['>'] : [])].join('.'))

describe('one walk along both texts', () => {
  test('finds what the definition finds', () => {
    fc.assert(
      fc.property(patterns, subjects, (pattern, subject) => {
        expect(matches(pattern, subject)).toBe(subjectMatches(pattern, subject))
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    ['a.*', 'a', false],
    ['a.*', 'a.', false],
    ['a.>', 'a', false],
    ['a.b', 'a.bc', false],
    ['a.bc', 'a.b', false],
    ['*', '$x', false],
    ['$x.*', '$x.y', true],
  ])('%s and %s: %s', (pattern, subject, does) => {
    expect(matches(pattern, subject)).toBe(does)
  })
})

describe('recent changes', () => {
  test('touch a subject that one of them matches, and no other', () => {
    const changes = new RecentChanges()
    changes.note('a.*')
    const since = changes.count
    changes.note('b.c')
    changes.note('c.>')
    expect(changes.hasTouched('a.b', since)).toBe(false)
    expect(changes.hasTouched('a.b', 0)).toBe(true)
    expect(changes.hasTouched('b.c', since)).toBe(true)
    expect(changes.hasTouched('c.d', since)).toBe(true)
    expect(changes.hasTouched('c.d', changes.count)).toBe(false)
  })

  test('are compared up to a limit, and beyond taken for a touch', () => {
    const changes = new RecentChanges()
    for (let count = 0; count < CHANGES_COMPARED_MAX; count++) changes.note('other')
    expect(changes.hasTouched('a', 0)).toBe(false)
    changes.note('other')
    expect(changes.hasTouched('a', 0)).toBe(true)
    expect(changes.hasTouched('a', 1)).toBe(false)
  })
})
