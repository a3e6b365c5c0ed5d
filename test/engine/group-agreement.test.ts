import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GroupAgreement } from '../../src/engine/group-agreement.js'
import { SubscriptionFlag, type Subscription } from '../../src/routing/change-log.js'
import { patternsOverlap, subjectMatches } from '../../src/routing/subject.js'

const member = (pattern: string, policy = '', more: Partial<Subscription> = {}): Subscription => ({
  id: 1,
  generation: 1,
  thread: 0,
  agent: 0,
  flags: 0,
  pattern,
  queue: 'q',
  rules: policy === '' ? undefined : { policy },
  ...more,
})
const REFUSED = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })

describe('two patterns', () => {
  test('overlap when some subject matches both', () => {
    const token = fc.constantFrom('a', 'b', '*', '$s')
    const patterns = fc
      .tuple(fc.array(token, { maxLength: 3 }), fc.boolean())
      .filter(([tokens, open]) => open || tokens.length > 0)
      .map(([tokens, open]) => [...tokens, ...(open ? ['>'] : [])].join('.'))
    const letters = ['a', 'b', 'c', '$s']
    let subjects: string[] = []
    let longer = letters
    for (let length = 1; length <= 5; length++) {
      subjects = subjects.concat(longer)
      longer = longer.flatMap((start) => letters.map((letter) => `${start}.${letter}`))
    }
    fc.assert(
      fc.property(patterns, patterns, (one, other) => {
        const both = subjects.some((s) => subjectMatches(one, s) && subjectMatches(other, s))
        expect(patternsOverlap(one, other)).toBe(both)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the members of a group', () => {
  test.each([
    ['a.b', 'a.b'],
    ['a.*', 'a.b'],
    ['a.b', 'a.>'],
    ['*.b', 'a.*'],
  ])('%s and %s must have one policy', (one, other) => {
    const agreement = new GroupAgreement()
    agreement.add(member(one, 'weighted'))
    expect(() => agreement.add(member(other, 'key'))).toThrow(REFUSED)
    agreement.add(member(other, 'weighted'))
  })

  test('are those of one queue, or all responders; plain subscriptions are free', () => {
    const agreement = new GroupAgreement()
    agreement.add(member('a', 'weighted'))
    agreement.add(member('a', 'key', { queue: 'other' }))
    agreement.add(member('a', '', { queue: '' }))
    const flags = SubscriptionFlag.Responder
    agreement.add(member('a', 'key', { flags }))
    expect(() => agreement.add(member('a', '', { flags, queue: 'another' }))).toThrow(REFUSED)
  })

  test('may choose anew when all have gone, and not before', () => {
    const agreement = new GroupAgreement()
    for (const pattern of ['a.*', 'a.*', 'a.b']) agreement.add(member(pattern, 'key'))
    agreement.remove(member('a.*', 'key'))
    expect(() => agreement.add(member('a.c'))).toThrow(REFUSED)
    agreement.remove(member('a.*', 'key'))
    agreement.add(member('a.c'))
    expect(() => agreement.add(member('a.b'))).toThrow(REFUSED)
    agreement.remove(member('a.b', 'key'))
    agreement.add(member('a.b'))
  })
})
