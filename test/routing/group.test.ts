// Whom a policy chooses, over a group whose members are played: their rings, their mailboxes, their
// deaths.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { policyOf } from '../../src/agent/queue-policy.js'
import { createRandom } from '../../src/base/random.js'
import { ThreadState } from '../../src/memory/layout.js'
import type { Subscription } from '../../src/routing/change-log.js'
import { Group, type Member } from '../../src/routing/group.js'
import { keyHash, NO_KEY } from '../../src/routing/key.js'
import { rowOf } from '../../src/routing/rows.js'
import { NONE_ASKED } from '../../src/routing/wanted.js'

const RING_BYTES = 4096
const FRAME_BYTES = 64

interface Played {
  id: number
  weight?: number
  /** Bytes in our ring to it. */
  ringBytes?: number
  waiting?: number
  isDead?: boolean
  isCorrupt?: boolean
}

/** Members that are what the list says, at this moment. */
function groupOf(
  policy: string,
  played: readonly Played[],
  turn = 0,
  seed = 1,
  near = played.length,
): Group {
  const i32 = new Int32Array(2 * played.length)
  const members = played.map((each, index): Member => {
    i32[2 * index] = rowOf(false, each.waiting ?? 0)
    i32[2 * index + 1] = each.isDead === true ? ThreadState.Dead : ThreadState.Alive
    const ring = {
      ringBytes: RING_BYTES,
      isCorrupt: each.isCorrupt === true,
      freeBytes: () => RING_BYTES - (each.ringBytes ?? 0),
    }
    return {
      subscription: { id: each.id } as Subscription,
      link: { ring, stateIndex: 2 * index + 1 } as never,
      row: 2 * index,
      filters: null,
      standing: { weight: each.weight ?? 1, credit: 0 },
    }
  })
  const membership = { queue: 'q', policy: policyOf(policy), members, near, turn, farTurn: turn }
  return new Group(membership, false, i32, createRandom(seed))
}

const idAt = (group: Group, index: number): number =>
  group.members[index]?.subscription.id ?? Number.NaN

/** Who is asked, one after the other, by id. */
function order(group: Group, key = NO_KEY): number[] {
  group.rank(FRAME_BYTES, key, NONE_ASKED)
  const ids: number[] = []
  for (let step = 0; step < group.members.length; step++) {
    const index = group.at(step)
    if (index === -1) break
    ids.push(idAt(group, index))
  }
  return ids
}

/** Sends a message to the first who is asked and does not refuse. */
function send(group: Group, key = NO_KEY, refuses: (id: number) => boolean = () => false): number {
  group.rank(FRAME_BYTES, key, NONE_ASKED)
  for (let step = 0; step < group.members.length; step++) {
    const index = group.at(step)
    if (index === -1) break
    if (refuses(idAt(group, index))) continue
    group.choose(index)
    group.confirm()
    return idAt(group, index)
  }
  return Number.NaN
}

const ids = (count: number): Played[] => Array.from({ length: count }, (_, id) => ({ id }))
const POLICIES = ['', 'least-loaded', 'two-choices', 'weighted', 'key', 'key:user']

describe('every policy', () => {
  test.each(POLICIES)('%j asks each member once, whatever state they are in', (policy) => {
    const member = fc.record({
      weight: fc.integer({ min: 1, max: 9 }),
      ringBytes: fc.integer({ min: 0, max: RING_BYTES }),
      waiting: fc.nat(100),
      isDead: fc.boolean(),
      isCorrupt: fc.boolean(),
    })
    const members = fc
      .array(member, { minLength: 1, maxLength: 12 })
      .map((all) => all.map((each, id) => ({ ...each, id })))
    fc.assert(
      fc.property(members, fc.nat(50), fc.integer(), (played, turn, key) => {
        const asked = order(groupOf(policy, played, turn), key)
        expect([...asked].sort((a, b) => a - b)).toEqual(played.map(({ id }) => id))
      }),
    )
  })

  test.each(POLICIES)('%j changes nobody’s turn until a message was written', (policy) => {
    const [one, other] = [groupOf(policy, ids(5)), groupOf(policy, ids(5))]
    const key = policy.startsWith('key') ? keyHash('k') : NO_KEY
    // Chance goes on; that is no turn.
    if (policy !== 'two-choices') order(one, key)
    for (let n = 0; n < 20; n++) expect(send(one, key)).toBe(send(other, key))
  })
})

describe('round robin', () => {
  test('goes in turn', () => {
    const group = groupOf('', ids(3))
    expect([1, 2, 3, 4].map(() => send(group))).toEqual([0, 1, 2, 0])
  })

  test.each([
    [1, 2],
    [1, 3],
    [2, 2],
    [3, 2],
  ])('goes in turn among those far away while %i near ones are full, of %i', (near, far) => {
    const group = groupOf('', ids(near + far), 0, 1, near)
    const isFull = (id: number): boolean => id < near
    const wanted = Array.from({ length: far }, (_, index) => near + index)
    const got = wanted.map(() => send(group, NO_KEY, isFull))
    expect(got.sort()).toEqual(wanted)
    // Also when near ones take one now and then.
    const mixed: number[] = []
    for (const _ of wanted) {
      send(group)
      mixed.push(send(group, NO_KEY, isFull))
    }
    expect(mixed.sort()).toEqual(wanted)
    expect(order(group).slice(0, near).every(isFull)).toBe(true)
  })
})

describe('least loaded', () => {
  test('asks by what waits in the ring and in the mailbox together', () => {
    const group = groupOf('least-loaded', [
      { id: 0, ringBytes: 3 * FRAME_BYTES },
      { id: 1, ringBytes: FRAME_BYTES, waiting: 1 },
      { id: 2, waiting: 4 },
      { id: 3 },
    ])
    expect(order(group)).toEqual([3, 1, 0, 2])
  })

  test('goes in turn between equals', () => {
    const group = groupOf('least-loaded', ids(3))
    expect([1, 2, 3, 4].map(() => send(group))).toEqual([0, 1, 2, 0])
  })

  test('asks those that are gone last', () => {
    const group = groupOf('least-loaded', [
      { id: 0, isDead: true },
      { id: 1, isCorrupt: true },
      { id: 2, waiting: 500 },
    ])
    expect(order(group)[0]).toBe(2)
  })
})

describe('two choices', () => {
  test('take who has less, of two', () => {
    const group = groupOf('two-choices', [
      { id: 0, waiting: 9 },
      { id: 1, waiting: 8 },
    ])
    for (let n = 0; n < 50; n++) expect(send(group)).toBe(1)
  })

  test('never take who has the most, and by far most often those with little', () => {
    const loads = [0, 1, 2, 3, 4, 5, 6, 7]
    const group = groupOf(
      'two-choices',
      loads.map((waiting, id) => ({ id, waiting })),
    )
    const counts = loads.map(() => 0)
    for (let n = 0; n < 8000; n++) counts[send(group)]!++
    expect(counts[7]).toBe(0)
    // Of 28 pairs, member k is the lesser in 7 - k.
    loads.forEach((k) => expect(Math.abs(counts[k]! - (8000 * (7 - k)) / 28)).toBeLessThan(200))
  })

  test('make the same choices from the same seed', () => {
    const run = (seed: number) => {
      const group = groupOf('two-choices', ids(9), 0, seed)
      return Array.from({ length: 50 }, () => send(group))
    }
    expect(run(5)).toEqual(run(5))
    expect(run(5)).not.toEqual(run(6))
  })
})

describe('weighted', () => {
  test('is smooth: nobody’s share comes in one run', () => {
    const group = groupOf('weighted', [
      { id: 0, weight: 5 },
      { id: 1, weight: 1 },
      { id: 2, weight: 1 },
    ])
    const sent = Array.from({ length: 7 }, () => send(group))
    expect(sent.filter((id) => id === 0)).toHaveLength(5)
    expect(sent.join('')).not.toMatch(/0000/)
  })

  test('gives each exactly its share in every round', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
        (all) => {
          const group = groupOf(
            'weighted',
            all.map((weight, id) => ({ id, weight })),
          )
          const total = all.reduce((sum, weight) => sum + weight)
          for (let round = 0; round < 3; round++) {
            const counts = all.map(() => 0)
            for (let n = 0; n < total; n++) counts[send(group)]!++
            expect(counts).toEqual(all)
          }
        },
      ),
    )
  })

  test('does not make up for the time when a member could take nothing', () => {
    const group = groupOf('weighted', ids(2))
    for (let n = 0; n < 1000; n++) expect(send(group, NO_KEY, (id) => id === 1)).toBe(0)
    const after = Array.from({ length: 10 }, () => send(group))
    expect(Math.abs(after.filter((id) => id === 1).length - 5)).toBeLessThanOrEqual(1)
  })
})

describe('key affinity', () => {
  const keys = Array.from({ length: 500 }, (_, n) => keyHash(`user-${n}`))

  test('sends one key to one member, spread evenly over them', () => {
    const group = groupOf('key', ids(5))
    const counts = [0, 0, 0, 0, 0]
    for (const key of keys) {
      const first = send(group, key)
      counts[first]!++
      for (let n = 0; n < 3; n++) expect(send(group, key)).toBe(first)
    }
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(40)
  })

  test('moves the keys of the member that goes, and no other; and back when it comes again', () => {
    const all = fc.uniqueArray(fc.nat(131_071), { minLength: 2, maxLength: 20 })
    fc.assert(
      fc.property(all, fc.nat(), fc.integer(), (members, at, salt) => {
        const gone = members[at % members.length]
        const left = members.filter((id) => id !== gone)
        const before = groupOf(
          'key',
          members.map((id) => ({ id })),
        )
        // In another order: where a member stands in the list has no say.
        const after = groupOf(
          'key',
          left.reverse().map((id) => ({ id })),
        )
        for (let n = 0; n < 50; n++) {
          const key = keyHash(`${salt}:${n}`)
          const owner = send(before, key)
          if (owner !== gone) expect(send(after, key)).toBe(owner)
          else expect(left).toContain(send(after, key))
        }
      }),
    )
  })

  test('asks a member that is gone last, so that its keys go where they would without it', () => {
    const alive = groupOf('key', [{ id: 0 }, { id: 2 }])
    const withDead = groupOf('key', [{ id: 0 }, { id: 1, isDead: true }, { id: 2 }])
    for (const key of keys) expect(send(withDead, key)).toBe(send(alive, key))
  })

  test('passes over who is full, always to the same other one', () => {
    const group = groupOf('key', ids(4))
    const without = groupOf('key', [{ id: 0 }, { id: 2 }, { id: 3 }])
    for (const key of keys) {
      expect(send(group, key, (id) => id === 1)).toBe(send(without, key))
    }
  })

  test('asks nobody else when it is strict, but for a member that is gone', () => {
    const strict = groupOf('strict-key', [{ id: 0 }, { id: 1 }, { id: 2, isDead: true }])
    for (const key of keys) {
      expect(order(strict, key)).toHaveLength(1)
      expect(order(strict, key)).not.toContain(2)
    }
  })

  test.each(['key', 'strict-key:user'])('goes in turn without a key: %s', (policy) => {
    const group = groupOf(policy, ids(3))
    expect([1, 2, 3, 4].map(() => send(group))).toEqual([0, 1, 2, 0])
  })
})
