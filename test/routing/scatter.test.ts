// A request for many responders whose rings are full: what waits, and what becomes of it.

import { describe, expect, test } from 'vitest'
import { OVERFLOW_BYTES_MAX } from '../../src/base/limits.js'
import { LINK_HEAD, Lane } from '../../src/memory/layout.js'
import type { ScatteredRequest } from '../../src/routing/scatter.js'
import { FakeRequest, World } from './world.js'

class FakeScattered extends FakeRequest implements ScatteredRequest {
  readonly all = false
  readonly expects: number[] = []
  readonly ends: [number, unknown][] = []
  areAllKnown = false

  expect(thread: number): void {
    this.expects.push(thread)
  }
  expected(): void {
    this.areAllKnown = true
  }
  onEnd(thread: number, error: unknown): void {
    this.ends.push([thread, error])
  }
}

/** Three threads; the ring from 0 to 1 is full, and each but 0 responds. */
function crowded(): World {
  const world = new World(3)
  const listener = world.thread(1).subscribe('fill', { handler: () => {} })
  while (world.thread(0).sender.tryPublish('fill', undefined, 0)) continue
  world.thread(1).unsubscribe(listener)
  for (const thread of [1, 2]) world.thread(thread).subscribe('ask', { responder: true })
  return world
}

function ask(world: World, counter: number, value: unknown = 'q'): FakeScattered {
  const request = new FakeScattered(counter)
  world.thread(0).sender.request(null, 'ask', value, 0, request, true, undefined, 0)
  return request
}

const countersAt = (world: World, thread: number): number[] =>
  world.thread(thread).answered.map(([ticket]) => ticket.counter)

describe('a request for many', () => {
  test('goes at once to those with room, and later to the others', () => {
    const world = crowded()
    const request = ask(world, 1)
    expect([request.expects, request.areAllKnown]).toEqual([[1, 2], true])
    world.thread(2).inbox.drain()
    expect(countersAt(world, 2)).toEqual([1])
    expect(world.thread(0).sender.isWaiting).toBe(true)
    expect(world.thread(0).bulk(1).overflowBytes).toBeGreaterThan(0)
    world.settle()
    expect([countersAt(world, 1), countersAt(world, 2)]).toEqual([[1], [1]])
    expect(world.thread(0).sender.isWaiting).toBe(false)
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
    expect(request.ends).toEqual([])
  })

  test('is not sent any more once it has settled', () => {
    const world = crowded()
    const [gone] = [ask(world, 1), ask(world, 2)]
    gone.isSettled = true
    world.settle()
    expect([countersAt(world, 1), countersAt(world, 2)]).toEqual([[2], [1, 2]])
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
  })

  test('is not sent to a thread that has ended meanwhile', () => {
    const world = crowded()
    const stays = ask(world, 1)
    world.thread(1).die()
    world.thread(0).sender.retry()
    expect(world.thread(0).sender.isWaiting).toBe(false)
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
    world.settle()
    // That it got an answer less is told by who learns of deaths.
    expect(stays.ends).toEqual([])
    expect(countersAt(world, 2)).toEqual([1])
  })

  test('ends for the one alone whose ring is corrupt, whether it waited or not', () => {
    const world = crowded()
    const waited = [ask(world, 1), ask(world, 2)]
    const { layout, views } = world.region
    const head = (layout.laneWords(0, 1, Lane.Bulk) + LINK_HEAD) >>> 2
    views.i32[head] = (views.i32[head] as number) + 1_000_000
    world.thread(0).sender.retry()
    const late = ask(world, 3)
    const corrupt = [1, expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' })]
    for (const { ends } of [...waited, late]) expect(ends).toEqual([corrupt])
    expect(world.thread(0).sender.isWaiting).toBe(false)
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
    world.thread(2).inbox.drain()
    expect(countersAt(world, 2)).toEqual([1, 2, 3])
  })

  test('ends for those alone that have too much waiting already', () => {
    const world = crowded()
    const value = 'x'.repeat(200)
    let refused: FakeScattered | null = null
    let sent = 0
    while (refused === null) {
      const request = ask(world, ++sent, value)
      world.thread(2).inbox.drain()
      if (request.ends.length > 0) refused = request
    }
    const full = expect.objectContaining({ code: 'ERR_BACKPRESSURE' })
    expect(refused.ends).toEqual([[1, full]])
    expect(world.thread(0).bulk(1).overflowBytes).toBeLessThanOrEqual(OVERFLOW_BYTES_MAX)
    world.settle()
    const all = Array.from({ length: sent }, (_, n) => n + 1)
    expect(countersAt(world, 2)).toEqual(all)
    expect(countersAt(world, 1)).toEqual(all.slice(0, -1))
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
  })

  test('that waits is dropped when its thread closes', () => {
    const world = crowded()
    ask(world, 1)
    world.thread(0).sender.close()
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
  })
})
