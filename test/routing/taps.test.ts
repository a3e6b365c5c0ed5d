// Taps: which messages they see, and that nobody else notices. Threads are played on one.

import { beforeEach, describe, expect, test } from 'vitest'
import { EMITTER_AFTER_MESSAGES } from '../../src/base/limits.js'
import { message } from '../../src/codec/message.js'
import { f64 } from '../../src/codec/schema.js'
import { FakeRequest, World } from './world.js'

const Tick = message('ticks.a', { id: f64 })

let world: World
beforeEach(() => {
  world = new World(3)
})

const ids = (thread: number): unknown[] =>
  world.thread(thread).got.map(({ value }) => (value as { id: number }).id)

function publish(count: number, first = 0): void {
  for (let id = first; id < first + count; id++) {
    world.thread(0).sender.publish(Tick, { id }, 0)
    if (id % 16 === 0) world.settle()
  }
  world.settle()
}

describe('a tap', () => {
  test('sees the first and then every so-manieth message, on the fast ways too', () => {
    world.thread(1).subscribe('ticks.*')
    world.thread(2).subscribe('ticks.>', { rules: { sample: 0.01 } })
    publish(1000)
    expect(ids(1)).toEqual(Array.from({ length: 1000 }, (_, id) => id))
    expect(ids(2)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900])
  })

  test.each([1, 0.5, 0.3, 0.1, 0.001])('of %d sees that part of them', (sample) => {
    world.thread(2).subscribe('ticks.>', { rules: { sample } })
    for (const thread of [0, 1]) {
      for (let id = 0; id < 1000; id++) {
        world.thread(thread).sender.publish('ticks.b', { id }, 0)
        if (id % 16 === 0) world.settle()
      }
    }
    world.settle()
    // Each sender counts for itself.
    expect(world.thread(2).got).toHaveLength(2 * Math.round(1000 * sample))
  })

  test('on the thread of a receiver sees its part, and the receiver gets everything once', () => {
    const receiver = world.thread(1).subscribe('ticks.*')
    const tap = world.thread(1).subscribe('ticks.*', { rules: { sample: 0.5 } })
    publish(100)
    const of = (id: number): number => world.thread(1).got.filter((got) => got.id === id).length
    expect([of(receiver.entry.id), of(tap.entry.id)]).toEqual([100, 50])
  })

  test('sees what no filter lets through, and what nobody listens to', () => {
    world.thread(2).subscribe('ticks.*', { rules: { sample: 0.5 } })
    publish(4)
    world.thread(1).subscribe('ticks.*', { filter: { id: { gte: 100 } } })
    publish(4, 4)
    expect(ids(2)).toEqual([0, 2, 4, 6])
    publish(200, 8)
    expect(ids(1)).toEqual(Array.from({ length: 108 }, (_, n) => 100 + n))
    expect(ids(2)).toHaveLength(104)
  })

  test('is no receiver of a request, and sees those that are answered', () => {
    world.thread(2).subscribe('ask', { rules: { sample: 1 } })
    const { sender } = world.thread(0)
    const ask = (): void => sender.request(null, 'ask', { id: 1 }, 0, new FakeRequest(1), true)
    expect(ask).toThrow(expect.objectContaining({ code: 'ERR_NO_RESPONDERS' }))
    world.thread(1).subscribe('ask', { responder: true })
    ask()
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[1], [1]])
  })

  test('that is full or dead holds nobody back, and what it misses is counted', () => {
    world.thread(1).subscribe('ticks.*')
    const tap = world.thread(2).subscribe('ticks.*', { rules: { sample: 1 }, lossy: true })
    world.setFull(tap, true)
    expect(world.thread(0).sender.publish(Tick, { id: 1 }, 0)).toBe(true)
    world.setFull(tap, false)
    world.thread(2).die()
    expect(world.thread(0).sender.publish(Tick, { id: 2 }, 0)).toBe(true)
    world.settle()
    expect([ids(1), ids(2)]).toEqual([[1, 2], []])
  })

  test('whose ring is full holds nobody back', () => {
    world.thread(1).subscribe('ticks.*')
    world.thread(2).subscribe('ticks.*', { rules: { sample: 1 }, lossy: true })
    const { sender, outbox } = world.thread(0)
    const { ringBytes } = world.thread(0).bulk(2).ring
    for (let id = 0; id * 24 < 4 * ringBytes; id++) {
      expect(sender.publish(Tick, { id }, 0)).toBe(true)
      outbox.flushAll()
      world.thread(1).inbox.drain()
    }
    expect(sender.isWaiting).toBe(false)
    const seen = ids(1).length
    world.settle()
    expect(ids(1)).toHaveLength(seen)
    expect(ids(2).length).toBeLessThan(seen)
  })

  test('that has gone leaves the fast way as it was before it came', () => {
    world.thread(1).subscribe('ticks.*')
    const tap = world.thread(2).subscribe('ticks.*', { rules: { sample: 0.5 } })
    publish(4 * EMITTER_AFTER_MESSAGES)
    world.thread(2).unsubscribe(tap)
    const seen = ids(2).length
    publish(4 * EMITTER_AFTER_MESSAGES)
    expect(ids(2)).toHaveLength(seen)
    expect(ids(1)).toHaveLength(8 * EMITTER_AFTER_MESSAGES)
  })

  test('sees what a bound publisher publishes', () => {
    world.thread(1).subscribe('ticks.*')
    const tick = world.thread(0).publishers.of(Tick, ['id'], 0)
    for (let id = 0; id < 10; id++) tick(id)
    world.thread(2).subscribe('ticks.*', { rules: { sample: 0.1 } })
    for (let id = 10; id < 110; id++) {
      tick(id)
      if (id % 16 === 0) world.settle()
    }
    world.settle()
    expect(ids(1)).toHaveLength(110)
    expect(ids(2)).toHaveLength(10)
  })
})
