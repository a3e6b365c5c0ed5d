import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodecId } from '../../src/base/codec-id.js'
import { toRecord } from '../../src/codec/error-record.js'
import {
  LetterStore,
  checkFilter,
  checkLetterOptions,
  type DeadLetterOptions,
  type KeptLetter,
} from '../../src/routing/letter-store.js'
import { DEAD_REASONS } from '../../src/routing/dead-letter.js'

type Given = Omit<KeptLetter, 'id'>

function letter(of: Partial<Given> = {}): Given {
  return {
    ...{ reason: 'handler-error', subject: 'a.b', queue: '', attempts: 1, error: null },
    ...{ headers: {}, key: null, priority: 0, source: 0, codec: CodecId.Raw, typeId: 0 },
    ...{ payload: new Uint8Array(8), firstAtMs: 1, deadAtMs: 2, agent: '', thread: 0, replays: 0 },
    ...of,
  }
}

const storeOf = (options: DeadLetterOptions): LetterStore =>
  new LetterStore(checkLetterOptions(options))
const idsIn = (store: LetterStore): number[] => Array.from(store.find({}), ({ id }) => id)

describe('a full store', () => {
  test('drops the oldest, unless it was told otherwise', () => {
    const store = storeOf({ letters: 2 })
    expect([1, 2, 3].map(() => store.add(letter()))).toEqual([1, 2, 3])
    expect(idsIn(store)).toEqual([2, 3])
    expect(store).toMatchObject({ size: 2, buried: 3, dropped: 1, rejected: 0 })
  })

  test('drops the new one by drop-newest, which then has no id', () => {
    const store = storeOf({ letters: 2, overflow: 'drop-newest' })
    expect([1, 2, 3].map(() => store.add(letter()))).toEqual([1, 2, 0])
    expect(store).toMatchObject({ size: 2, buried: 2, dropped: 1 })
  })

  test('refuses by reject, and takes again once there is room', () => {
    const store = storeOf({ letters: 1, overflow: 'reject' })
    store.add(letter())
    const full = expect.objectContaining({ code: 'ERR_DEAD_LETTERS_FULL' })
    expect(() => store.add(letter({ subject: 'x' }))).toThrow(full)
    expect(store).toMatchObject({ size: 1, rejected: 1, dropped: 0 })
    store.remove(1)
    expect(store.add(letter())).toBe(2)
  })

  test('keeps what is being replayed, and drops others for the new one', () => {
    const store = storeOf({ letters: 2 })
    store.add(letter())
    store.add(letter())
    expect(store.pin(1)).toBe(true)
    expect(store.pin(1)).toBe(false)
    store.add(letter())
    expect(idsIn(store)).toEqual([1, 3])
    store.pin(3)
    expect(store.add(letter())).toBe(0)
    store.unpin(1)
    expect(store.add(letter())).toBe(4)
    expect(idsIn(store)).toEqual([3, 4])
  })

  test('drops nothing for a letter that would never fit', () => {
    const store = storeOf({ bytes: 4096 })
    store.add(letter())
    expect(store.add(letter({ payload: new Uint8Array(8000) }))).toBe(0)
    expect(idsIn(store)).toEqual([1])
    // Nor for one that would fit if others were not being replayed.
    const large = letter({ payload: new Uint8Array(3200) })
    expect(store.add(letter())).toBe(2)
    store.pin(2)
    expect(store.add(large)).toBe(0)
    expect(idsIn(store)).toEqual([1, 2])
    store.unpin(2)
    expect(store.add(large)).toBe(3)
  })

  test('counts errors and headers, not payloads alone', () => {
    const store = storeOf({ bytes: 8192 })
    store.add(letter({ error: toRecord(new Error('x'.repeat(1000))) }))
    expect(store.bytes).toBeGreaterThan(2000)
    const before = store.bytes
    store.add(letter({ headers: { note: 'y'.repeat(1000) } }))
    expect(store.bytes - before).toBeGreaterThan(1000)
  })
})

describe('whatever happens to a store', () => {
  const command = fc.oneof(
    fc.record({
      do: fc.constant('add' as const),
      bytes: fc.nat(3000),
      of: fc.nat(DEAD_REASONS.length - 1),
    }),
    fc.record({ do: fc.constant('remove' as const), id: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ do: fc.constant('pin' as const), id: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ do: fc.constant('unpin' as const), id: fc.integer({ min: 1, max: 40 }) }),
  )

  test.each(['drop-oldest', 'drop-newest', 'reject'] as const)(
    'it stays within its limits and accounts for every letter: %s',
    (overflow) => {
      fc.assert(
        fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
          const limits = { letters: 5, bytes: 8192, overflow }
          const store = storeOf(limits)
          const pinned = new Set<number>()
          let [added, removed] = [0, 0]
          for (const step of commands) {
            const before = new Set(idsIn(store))
            if (step.do === 'add') {
              const reason = DEAD_REASONS[step.of] as (typeof DEAD_REASONS)[number]
              const payload = new Uint8Array(step.bytes)
              added++
              try {
                store.add(letter({ reason, payload }))
              } catch {
                expect(overflow).toBe('reject')
              }
            } else if (step.do === 'remove') {
              const isThere = before.has(step.id)
              expect(store.remove(step.id)).toBe(isThere)
              if (isThere) removed++
              pinned.delete(step.id)
            } else if (step.do === 'pin' && before.has(step.id)) {
              store.pin(step.id)
              pinned.add(step.id)
            } else if (step.do === 'unpin') {
              store.unpin(step.id)
              pinned.delete(step.id)
            }
            const ids = idsIn(store)
            for (const id of pinned) expect(ids).toContain(id)
            expect(ids).toEqual([...ids].sort((a, b) => a - b))
            expect(ids.length).toBe(store.size)
            expect(store.size).toBeLessThanOrEqual(limits.letters)
            expect(store.bytes).toBeLessThanOrEqual(limits.bytes)
            expect(store.size + removed + store.dropped + store.rejected).toBe(added)
            if (store.size === 0) expect(store.bytes).toBe(0)
          }
        }),
      )
    },
  )
})

describe('finding letters', () => {
  test('takes subject patterns, a reason and an agent together, after an id', () => {
    const store = storeOf({})
    store.add(letter({ subject: 'a.b', agent: 'one' }))
    store.add(letter({ subject: 'a.c', agent: 'two' }))
    store.add(letter({ subject: 'b.c', agent: 'one', reason: 'expired' }))
    store.add(letter({ subject: 'a.b.c', agent: 'one' }))
    const find = (filter: object, after = 0): number[] =>
      Array.from(store.find(checkFilter('find', filter), after), ({ id }) => id)
    expect(find({})).toEqual([1, 2, 3, 4])
    expect(find({ subject: 'a.*' })).toEqual([1, 2])
    expect(find({ subject: 'a.>' }, 1)).toEqual([2, 4])
    expect(find({ reason: 'expired' })).toEqual([3])
    expect(find({ subject: 'a.>', agent: 'one' })).toEqual([1, 4])
  })

  test.each([
    [{ topic: 'a' }, 'ERR_OPTION_INVALID'],
    [{ reason: 'because' }, 'ERR_OPTION_INVALID'],
    [{ agent: 3 }, 'ERR_OPTION_INVALID'],
    [{ subject: 'a..b' }, 'ERR_SUBJECT_INVALID'],
    [null, 'ERR_OPTION_INVALID'],
  ])('refuses the filter %j', (filter, code) => {
    expect(() => checkFilter('find', filter as object)).toThrow(expect.objectContaining({ code }))
  })

  test.each([{ letters: 0 }, { bytes: 1 }, { overflow: 'drop' }, { replays: -1 }, { size: 3 }])(
    'refuses the options %j',
    (options) => {
      const code = 'ERR_OPTION_INVALID'
      expect(() => checkLetterOptions(options as object)).toThrow(expect.objectContaining({ code }))
    },
  )
})
