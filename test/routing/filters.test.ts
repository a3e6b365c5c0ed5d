// Filters on their way from subscriber to sender: which frames are written, to whom, and what holds
// a sender back. Threads are played on one, so every frame can be counted.

import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { EMITTER_AFTER_MESSAGES, ROUTES_CACHED_MAX } from '../../src/base/limits.js'
import { message } from '../../src/codec/message.js'
import { f64, i16 } from '../../src/codec/schema.js'
import { Lane } from '../../src/memory/layout.js'
import { PLAIN } from '../../src/routing/envelope.js'
import type { LocalSubscription } from '../../src/routing/target.js'
import { FakeRequest, World, type Player } from './world.js'

const Delay = message('flights.delayed', { id: f64, delayMin: i16 })
const late = { delayMin: { gte: 60 } }

let world: World
beforeEach(() => {
  world = new World(3)
})

const ids = (thread: number): unknown[] =>
  world.thread(thread).got.map(({ value }) => (value as { id: number }).id)

/** Publishes from thread 0 and returns how many frames reached each thread. */
function framesOf(act: () => void): number[] {
  const before = world.threads.map(({ inbox }) => inbox.framesReceived)
  act()
  world.settle()
  return world.threads.map(({ inbox }, thread) => inbox.framesReceived - (before[thread] ?? 0))
}

/** Leaves no room on the link from thread 0. */
function fillRing(to: number): void {
  world.thread(to).subscribe('fill', { handler: () => {} })
  while (world.thread(0).sender.tryPublish('fill', undefined, 0)) continue
}

describe('a publish', () => {
  test('writes no frame for a thread that does not want it', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    world.thread(2).subscribe('flights.*')
    const frames = framesOf(() => {
      world.thread(0).sender.publish(Delay, { id: 1, delayMin: 59 }, 0)
      world.thread(0).sender.publish(Delay, { id: 2, delayMin: 60 }, 0)
    })
    expect(frames).toEqual([0, 1, 2])
    expect(ids(1)).toEqual([2])
    expect(ids(2)).toEqual([1, 2])
  })

  test('writes one frame for a thread, of which each subscription takes what it wants', () => {
    const a = world.thread(1).subscribe('flights.*', { filter: late })
    const b = world.thread(1).subscribe('flights.>', { filter: { id: { lt: 2 } } })
    const frames = framesOf(() => {
      for (const [id, delayMin] of [
        [1, 0],
        [1, 90],
        [2, 90],
        [2, 0],
      ] as const) {
        world.thread(0).sender.publish(Delay, { id, delayMin }, 0)
      }
    })
    expect(frames).toEqual([0, 3, 0])
    const taken = (id: number): unknown[] =>
      world
        .thread(1)
        .got.filter((got) => got.id === id)
        .map(({ value }) => value)
    expect(taken(a.entry.id)).toEqual([
      { id: 1, delayMin: 90 },
      { id: 2, delayMin: 90 },
    ])
    expect(taken(b.entry.id)).toEqual([
      { id: 1, delayMin: 0 },
      { id: 1, delayMin: 90 },
    ])
  })

  test('that nobody wants is accepted, and costs no frame', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    const { sender } = world.thread(0)
    const early = { id: 1, delayMin: 0 }
    const frames = framesOf(() => {
      expect(sender.publish(Delay, early, 0)).toBe(true)
      expect(sender.tryPublish(Delay, early, 0)).toBe(true)
      expect(sender.publish('flights.other', early, 0)).toBe(true)
    })
    expect(frames).toEqual([0, 0, 0])
  })

  test('of plain values is asked by path, whatever it holds', () => {
    world.thread(1).subscribe('orders', { filter: { 'user.name': { prefix: 'a' } } })
    const { sender } = world.thread(0)
    const values = [
      { user: { name: 'ann' } },
      { user: null },
      7,
      undefined,
      { user: { name: 'b' } },
    ]
    const frames = framesOf(() => {
      for (const value of values) sender.publish('orders', value, 0)
    })
    expect(frames).toEqual([0, 1, 0])
    expect(world.thread(1).got.map(({ value }) => value)).toEqual([{ user: { name: 'ann' } }])
  })

  test('asks a filter once, however many subscriptions share it, and stops at the first', () => {
    let asked = 0
    const value = {
      get x() {
        asked++
        return 1
      },
    }
    for (let i = 0; i < 5; i++) world.thread(1).subscribe('a', { filter: { x: { gt: 5 } } })
    for (let i = 0; i < 5; i++) world.thread(2).subscribe('a', { filter: { x: { gt: 5 } } })
    world.thread(0).sender.publish('a', value, 0)
    expect(asked).toBe(1)
    asked = 0
    world.thread(1).subscribe('b', { filter: { x: 1 } })
    world.thread(1).subscribe('b', { filter: { x: { exists: false } } })
    world.thread(0).sender.publish('b', Object.defineProperty({}, 'x', { get: () => ++asked }), 0)
    expect(asked).toBe(1)
  })
})

describe('the fast way', () => {
  /** So many that the next goes by an emitter, of which every second is wanted. */
  function warm(): void {
    for (let id = 0; id < 4 * EMITTER_AFTER_MESSAGES; id++) {
      world.thread(0).sender.publish(Delay, { id, delayMin: (id % 2) * 60 }, 0)
      if (id % 16 === 0) world.settle()
    }
    world.settle()
    world.thread(1).got.length = 0
  }

  test('asks first, and writes only what is wanted', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    warm()
    const frames = framesOf(() => {
      for (let id = 0; id < 20; id++) {
        expect(world.thread(0).sender.publish(Delay, { id, delayMin: 41 + id }, 0)).toBe(true)
      }
    })
    expect(frames).toEqual([0, 1, 0])
    expect(ids(1)).toEqual([19])
  })

  test('follows a filter that is replaced by another, by none, and by one again', () => {
    const first = world.thread(1).subscribe('flights.*', { filter: late })
    warm()
    const send = (): void => {
      for (const delayMin of [0, 30, 60]) {
        world.thread(0).sender.publish(Delay, { id: delayMin, delayMin }, 0)
      }
      world.settle()
    }
    const swap = (gone: typeof first, filter?: Record<string, unknown>): typeof first => {
      world.thread(1).unsubscribe(gone)
      world.thread(1).got.length = 0
      return world.thread(1).subscribe('flights.*', filter === undefined ? {} : { filter })
    }
    let subscription = swap(first, { delayMin: { lt: 30 } })
    send()
    expect(ids(1)).toEqual([0])
    subscription = swap(subscription)
    send()
    warm()
    send()
    expect(ids(1)).toEqual([0, 30, 60])
    swap(subscription, late)
    send()
    warm()
    send()
    expect(ids(1)).toEqual([60])
  })

  test('of two messages on one subject keeps to each one’s own fields', () => {
    const Other = message('flights.delayed', { delayMin: f64 })
    world.thread(1).subscribe('flights.*', { filter: { id: { gte: 0 } } })
    warm()
    for (let n = 0; n < 100; n++) world.thread(0).sender.publish(Other, { delayMin: n }, 0)
    world.thread(0).sender.publish(Delay, { id: 7, delayMin: 0 }, 0)
    world.settle()
    expect(ids(1)).toEqual([7])
  })

  test('of a bound publisher asks, too', () => {
    const subscription = world.thread(1).subscribe('flights.*')
    const publish = world.thread(0).publishers.of(Delay, ['id', 'delayMin'], 0)
    const send = (): void => {
      for (let id = 0; id < 100; id++) publish(id, id)
      world.settle()
    }
    send()
    expect(ids(1)).toHaveLength(100)
    world.thread(1).unsubscribe(subscription)
    world.thread(1).subscribe('flights.*', { filter: late })
    world.thread(1).got.length = 0
    expect(framesOf(send)).toEqual([0, 40, 0])
    expect(ids(1)).toEqual(Array.from({ length: 40 }, (_, n) => 60 + n))
  })

  test('of a bound publisher asks those that were there first, too', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    const publish = world.thread(0).publishers.of(Delay, ['id', 'delayMin'], 0)
    const send = (): void => {
      for (let id = 0; id < 100; id++) publish(id, id)
      world.settle()
    }
    expect(framesOf(send)).toEqual([0, 40, 0])
    expect(framesOf(send)).toEqual([0, 40, 0])
    expect(ids(1).slice(40)).toEqual(Array.from({ length: 40 }, (_, n) => 60 + n))
  })

  test('of a bound publisher follows every change of the filter', () => {
    const publish = world.thread(0).publishers.of(Delay, ['delayMin', 'id'], 0)
    const send = (): unknown[] => {
      world.thread(1).got.length = 0
      for (let id = 0; id < 100; id++) publish(id, id)
      world.settle()
      return ids(1)
    }
    const count = (from: number, to: number): number[] =>
      Array.from({ length: to - from }, (_, n) => from + n)
    let subscription = world.thread(1).subscribe('flights.*', { filter: late })
    const swap = (options: Parameters<Player['subscribe']>[1]): void => {
      world.thread(1).unsubscribe(subscription)
      subscription = world.thread(1).subscribe('flights.*', options)
    }
    expect(send()).toEqual(count(60, 100))
    swap({ filter: { delayMin: { lt: 5 }, id: { gte: 3 } } })
    expect(send()).toEqual([3, 4])
    const other = world.thread(1).subscribe('flights.>', { filter: { delayMin: 9 } })
    expect(send()).toEqual([3, 4, 9])
    world.thread(1).unsubscribe(other)
    swap({ filter: { headers: { tenant: 'acme' } } })
    expect(framesOf(() => send())).toEqual([0, 0, 0])
    swap({})
    expect(send()).toEqual(count(0, 100))
    swap({ filter: late })
    expect(send()).toEqual(count(60, 100))
    world.thread(2).subscribe('flights.*')
    expect(framesOf(() => send())).toEqual([0, 40, 100])
  })

  test('and every other keep one order, while filters come and go', async () => {
    const ways = fc.constantFrom('bound', 'bound', 'bound', 'struct', 'plain', 'envelope')
    const others = fc.constantFrom('tick', 'tick', 'large', 'settle', 'swap', 'tap')
    const step = fc.tuple(fc.oneof({ weight: 6, arbitrary: ways }, others), fc.nat(7))
    const length = { minLength: 20, maxLength: 150 }
    const play = async (script: readonly (readonly [string, number])[], ringBytes: number) => {
      const world = new World(2, { bulkRingBytes: ringBytes, subscriptions: 512 })
      const [from, to] = [world.thread(0), world.thread(1)]
      const { sender } = from
      let [least, got]: [number, number[]] = [0, []]
      const handler = ({ id }: { id: number }): void => void got.push(id)
      const open = (limit: number): LocalSubscription => {
        least = limit
        const filter = limit === 0 ? {} : { filter: { delayMin: { gte: limit } } }
        return to.subscribe('flights.*', { handler, lazy: limit % 2 === 1, ...filter })
      }
      let subscription = open(3)
      let tap: LocalSubscription | null = null
      to.subscribe('large')
      const publish = from.publishers.of(Delay, ['delayMin', 'id'], 0)
      const large = new Uint8Array(ringBytes / 6)
      const wanted: number[] = []
      let id = 0
      for (const [what, n] of script) {
        if (what === 'tick') {
          await Promise.resolve()
          to.inbox.drain()
          from.inbox.drain()
        } else if (what === 'large') sender.publish('large', large, 0)
        else if (what === 'settle') world.settle()
        else if (what === 'swap') {
          world.settle()
          to.unsubscribe(subscription)
          subscription = open(n)
        } else if (what === 'tap') {
          world.settle()
          if (tap !== null) from.unsubscribe(tap)
          tap =
            tap === null ? world.thread(0).subscribe('flights.*', { rules: { sample: 1 } }) : null
        } else {
          const value = { id: id++, delayMin: n }
          if (what === 'bound') publish(n, value.id)
          else if (what === 'envelope') sender.publishWith(Delay, value, 0, PLAIN)
          else sender.publish(what === 'struct' ? Delay : Delay.subject, value, 0)
          if (n >= least) wanted.push(value.id)
        }
      }
      world.settle()
      expect(got).toEqual(wanted)
      expect(to.errors).toEqual([])
      // A lone message leaves with its tick, whatever came before it.
      got = []
      publish(7, id)
      await Promise.resolve()
      to.inbox.drain()
      expect(got).toEqual([id])
    }
    const ring = fc.constantFrom(2048, 32 * 1024)
    await fc.assert(fc.asyncProperty(fc.array(step, length), ring, play), { numRuns: 200 })
  })

  test('of a bound publisher says what its messages are, though the first were refused', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    world.thread(1).subscribe('other')
    const { publishers, sender } = world.thread(0)
    sender.publish('other', 1, 0)
    world.settle()
    world.thread(1).got.length = 0
    const publish = publishers.of(Delay, ['delayMin', 'id'], 0)
    for (let id = 50; id < 70; id++) publish(id, id)
    world.settle()
    expect(world.thread(1).errors).toEqual([])
    expect(ids(1)).toEqual(Array.from({ length: 10 }, (_, n) => 60 + n))
  })

  test('of a bound publisher stays behind what waits for room', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    const { publishers, sender, outbox } = world.thread(0)
    const link = outbox.link(1, Lane.Bulk)
    const publish = publishers.of(Delay, ['delayMin', 'id'], 0)
    let id = 0
    while (link.ring.freeBytes() > 100) publish(60, id++)
    // Too long for what is left, where a short one is not.
    sender.publish(Delay.subject, { delayMin: 60, id: id++, note: 'x'.repeat(180) }, 0)
    expect(link.overflowMessages).toBe(1)
    publish(60, id++)
    world.settle()
    expect(ids(1)).toEqual(Array.from({ length: id }, (_, n) => n))
  })

  test('of a bound publisher is closed as any, whatever the filter says', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    const { publishers, sender } = world.thread(0)
    const publish = publishers.of(Delay, ['delayMin', 'id'], 0)
    for (let id = 0; id < 100; id++) publish(id, id)
    world.settle()
    publish(60, 60)
    publish(0, 0)
    publishers.close()
    sender.close()
    expect(() => publish(0, 0)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('leaves what is no struct to the encoder, which says so', () => {
    world.thread(1).subscribe('flights.*', { filter: late })
    warm()
    const { sender } = world.thread(0)
    const refused = expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' })
    expect(() => sender.publish(Delay, null, 0)).toThrow(refused)
    expect(() => sender.publish(Delay, { id: 'x', delayMin: 60 }, 0)).toThrow(refused)
  })
})

describe('a queue group', () => {
  test('chooses among the members that want the message', () => {
    world.thread(1).subscribe('flights.*', { queue: 'q', filter: late })
    world.thread(2).subscribe('flights.*', { queue: 'q', filter: { delayMin: { lt: 60 } } })
    for (let id = 0; id < 6; id++) {
      world.thread(0).sender.publish(Delay, { id, delayMin: id * 20 }, 0)
    }
    world.settle()
    expect(ids(1)).toEqual([3, 4, 5])
    expect(ids(2)).toEqual([0, 1, 2])
  })

  test('none of whose members wants the message is passed over', () => {
    world.thread(1).subscribe('flights.*', { queue: 'q', filter: late })
    world.thread(2).subscribe('flights.*')
    world.thread(0).sender.publish(Delay, { id: 1, delayMin: 0 }, 0)
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[], [1]])
  })

  test('is not held back by a full member that does not want the message', () => {
    const full = world.thread(1).subscribe('flights.*', { queue: 'q', filter: late })
    world.thread(2).subscribe('flights.*', { queue: 'q', filter: { delayMin: 0 } })
    world.setFull(full, true)
    const { sender } = world.thread(0)
    expect(sender.publish(Delay, { id: 1, delayMin: 0 }, 0)).toBe(true)
    expect(sender.publish(Delay, { id: 2, delayMin: 90 }, 0)).toBe(false)
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[], [1]])
    world.setFull(full, false)
    sender.retry()
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[2], [1]])
  })

  test('that is strict waits when whoever wants the message has ended', () => {
    const rules = { policy: 'strict-key' }
    world.thread(2).subscribe('flights.*', { queue: 'q', rules, filter: { id: 0 } })
    const gone = world.thread(1).subscribe('flights.*', { queue: 'q', rules, filter: late })
    world.thread(1).die()
    const { sender } = world.thread(0)
    const envelope = { ...PLAIN, key: 'k' }
    expect(sender.publishWith(Delay, { id: 1, delayMin: 90 }, 0, envelope)).toBe(false)
    world.thread(1).unsubscribe(gone)
    sender.retry()
    expect([sender.waiting, world.thread(0).lost]).toEqual([0, []])
  })
})

describe('a request', () => {
  const ask = (value: unknown): void => {
    const { sender } = world.thread(0)
    sender.request(null, 'ask', value, 0, new FakeRequest(1), true)
  }

  test('goes to a responder that wants it', () => {
    world.thread(1).subscribe('ask', { responder: true, filter: { kind: 'a' } })
    world.thread(2).subscribe('ask', { responder: true, filter: { kind: 'b' } })
    for (let id = 0; id < 3; id++) ask({ id, kind: 'b' })
    ask({ id: 3, kind: 'a' })
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[3], [0, 1, 2]])
  })

  test('that no responder wants has none, whoever else listens', () => {
    world.thread(1).subscribe('ask', { responder: true, filter: { kind: 'a' } })
    const none = expect.objectContaining({ code: 'ERR_NO_RESPONDERS' })
    expect(() => ask({ kind: 'b' })).toThrow(none)
    world.thread(2).subscribe('ask')
    expect(() => ask({ kind: 'b' })).toThrow(none)
    world.settle()
    expect(ids(2)).toEqual([])
  })
})

describe('a receiver that is full', () => {
  test('does not hold back what it does not want', () => {
    const full = world.thread(1).subscribe('flights.*', { filter: late })
    world.thread(2).subscribe('flights.*')
    world.setFull(full, true)
    const { sender } = world.thread(0)
    expect(sender.publish(Delay, { id: 1, delayMin: 0 }, 0)).toBe(true)
    world.settle()
    expect(ids(2)).toEqual([1])
    expect(sender.publish(Delay, { id: 2, delayMin: 90 }, 0)).toBe(false)
    world.settle()
    expect(ids(2)).toEqual([1])
    world.setFull(full, false)
    sender.retry()
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[2], [1, 2]])
  })

  test('does not hold back a neighbour on its thread that wants something else', () => {
    const full = world.thread(1).subscribe('flights.*', { filter: late })
    world.thread(1).subscribe('flights.*', { filter: { delayMin: 0 } })
    world.setFull(full, true)
    expect(world.thread(0).sender.publish(Delay, { id: 1, delayMin: 0 }, 0)).toBe(true)
    expect(world.thread(0).sender.publish(Delay, { id: 2, delayMin: 90 }, 0)).toBe(false)
    world.settle()
    expect(ids(1)).toEqual([1])
  })

  test('holds back what it wants, though a neighbour was asked before it', () => {
    world.thread(1).subscribe('flights.*', { filter: { id: { gte: 0 } } })
    const full = world.thread(1).subscribe('flights.*', { filter: late })
    world.setFull(full, true)
    expect(world.thread(0).sender.publish(Delay, { id: 1, delayMin: 0 }, 0)).toBe(true)
    expect(world.thread(0).sender.publish(Delay, { id: 2, delayMin: 90 }, 0)).toBe(false)
    world.settle()
    expect(ids(1)).toEqual([1])
  })

  test('beside one that wants everything holds back what it wants, and no more', () => {
    world.thread(1).subscribe('flights.*')
    const full = world.thread(1).subscribe('flights.*', { filter: late })
    world.setFull(full, true)
    expect(world.thread(0).sender.publish(Delay, { id: 1, delayMin: 0 }, 0)).toBe(true)
    expect(world.thread(0).sender.publish(Delay, { id: 2, delayMin: 90 }, 0)).toBe(false)
    world.settle()
    expect(ids(1)).toEqual([1])
  })

  test.each([
    ['of another filter', { id: { gte: 0 } }],
    ['without a filter', undefined],
  ])('gets what waited, though a neighbour %s was asked first and is gone', (_, filter) => {
    const how = filter === undefined ? {} : { filter }
    const full = world.thread(1).subscribe('flights.*', how)
    world.thread(1).subscribe('flights.*', { filter: late })
    const { sender } = world.thread(0)
    // No mailbox is full: then all filters would be asked.
    fillRing(1)
    for (const id of [1, 2]) sender.publish(Delay, { id, delayMin: id === 1 ? 0 : 90 }, 0)
    expect(sender.waiting).toBe(2)
    world.thread(1).unsubscribe(full)
    world.settle()
    sender.retry()
    world.settle()
    expect(ids(1)).toEqual([2])
  })

  test('gets what waited, though its filter has been compiled anew meanwhile', () => {
    const full = world.thread(1).subscribe('flights.*', { filter: late })
    world.setFull(full, true)
    const { sender } = world.thread(0)
    expect(sender.publish(Delay, { id: 1, delayMin: 90 }, 0)).toBe(false)
    // So many that the sender forgets which it has compiled.
    for (let a = 0; a <= ROUTES_CACHED_MAX;) {
      const others = Array.from({ length: 32 }, (_, n) => 10 + n)
      for (const id of others) {
        const filter = `["value","a","eq",${a++}]`
        world.log.add({ ...full.entry, id, pattern: 'others', rules: { filter } })
      }
      sender.publish('others', { a: -1 }, 0)
      world.log.remove(others)
    }
    // And looks at the subject's receivers once more.
    world.thread(2).subscribe('flights.*', { filter: { id: 7 } })
    world.setFull(full, false)
    sender.retry()
    world.settle()
    expect([ids(1), ids(2), sender.waiting]).toEqual([[1], [], 0])
  })

  test('gets what waited for it, but nobody who came later with a filter', () => {
    const full = world.thread(1).subscribe('flights.*', { filter: late })
    world.setFull(full, true)
    const { sender } = world.thread(0)
    expect(sender.publish(Delay, { id: 1, delayMin: 90 }, 0)).toBe(false)
    world.thread(2).subscribe('flights.*', { filter: { delayMin: 90 } })
    world.setFull(full, false)
    sender.retry()
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[1], []])
  })
})

test('a filter that nobody can have written keeps nothing back', () => {
  world.thread(1).subscribe('flights.*', { filter: late })
  const { log } = world
  const [entry] = log.live.values()
  if (entry === undefined) throw new Error('nothing was announced')
  log.add({ ...entry, rules: { filter: '["or"]' } })
  const frames = framesOf(() => {
    world.thread(0).sender.publish(Delay, { id: 1, delayMin: 0 }, 0)
    world.thread(0).sender.publish(Delay, { id: 2, delayMin: 90 }, 0)
  })
  expect(frames).toEqual([0, 2, 0])
  expect(ids(1)).toEqual([2])
})
