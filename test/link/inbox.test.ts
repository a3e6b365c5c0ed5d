import { describe, expect, test } from 'vitest'
import { DRAIN_FRAMES_MAX, DRAIN_TIME_US_MAX } from '../../src/base/limits.js'
import {
  HEADER_DEATHS,
  INBOX_DEAD,
  INBOX_FULL,
  INBOX_INCARNATION,
  INBOX_READY,
  Lane,
  LINK_TAIL,
  ThreadState,
} from '../../src/memory/layout.js'
import type { Region } from '../../src/memory/region.js'
import { HandClock } from '../base/hand-clock.js'
import { inboxOf, offer, outboxOf, smallRegion } from './small-region.js'

/** Publishes `count` frames marked 0, 1, … from one thread to another and wakes the reader. */
function send(region: Region, from: number, to: number, lane: Lane, count: number): void {
  const { outbox } = outboxOf(region, from)
  const link = outbox.link(to, lane)
  for (let mark = 0; mark < count; mark++) {
    if (!offer(region, link, mark)) throw new Error('the test sends more than the ring holds')
  }
  outbox.flush(link)
}

const marks = (source: number, count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `${source}:${from + i}`)

describe('an inbox', () => {
  test('hands over what was published before it looked for the first time', () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    offer(region, outbox.link(1, Lane.Bulk), 7)
    outbox.link(1, Lane.Bulk).ring.publish() // No ready bit: its producer died in between.
    const { inbox, log } = inboxOf(region, 1)
    expect(inbox.drain()).toBe(0)
    expect(log.frames).toEqual(['0:7'])
  })

  test('looks only at links whose bit is set, once it has looked at all', () => {
    const region = smallRegion(2)
    const { inbox, log } = inboxOf(region, 1)
    inbox.drain()
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    offer(region, link, 1)
    link.ring.publish()
    inbox.drain()
    expect(log.frames).toEqual([])
    outbox.wake(link)
    inbox.drain()
    expect(log.frames).toEqual(['0:1'])
  })

  test('looks at every link again when it is told to recheck', () => {
    const region = smallRegion(2)
    const { inbox, log } = inboxOf(region, 1)
    inbox.drain()
    const link = outboxOf(region, 0).outbox.link(1, Lane.Bulk)
    offer(region, link, 1)
    link.ring.publish()
    inbox.recheck()
    expect(inbox.tryPark()).toBe(false)
    expect(inbox.drain()).toBe(0)
    expect(log.frames).toEqual(['0:1'])
  })

  test('hands over urgent frames before any bulk frame', () => {
    const region = smallRegion(3)
    send(region, 0, 2, Lane.Bulk, 2)
    send(region, 1, 2, Lane.Bulk, 2)
    send(region, 1, 2, Lane.Urgent, 2)
    const { inbox, log } = inboxOf(region, 2)
    inbox.drain()
    expect(log.frames.slice(0, 2)).toEqual(['1:0', '1:1'])
    expect(log.frames).toHaveLength(6)
  })

  test('looks for urgent frames again between two chunks of bulk', () => {
    const region = smallRegion(3, { bulkRingBytes: 32 * 1024 })
    send(region, 0, 2, Lane.Bulk, 1000)
    const { inbox, log } = inboxOf(region, 2)
    log.onEach = (mark) => {
      if (mark === 10 && log.frames.length < 100) send(region, 1, 2, Lane.Urgent, 1)
    }
    inbox.drain()
    const at = log.frames.indexOf('1:0')
    expect(at).toBeGreaterThan(10)
    expect(at).toBeLessThanOrEqual(256)
  })

  test('stops at its budget of frames, says so, and goes on the next time', () => {
    const region = smallRegion(2, { bulkRingBytes: 64 * 1024 })
    const count = DRAIN_FRAMES_MAX + 10
    send(region, 0, 1, Lane.Bulk, count)
    const { inbox, log } = inboxOf(region, 1)
    expect(inbox.drain()).toBe(1)
    expect(log.frames).toHaveLength(DRAIN_FRAMES_MAX)
    expect(inbox.tryPark()).toBe(false)
    expect(inbox.drain()).toBe(0)
    expect(log.frames).toEqual(marks(0, count))
    expect(inbox.framesReceived).toBe(count)
  })

  test('stops an urgent flood at its budget too', () => {
    const region = smallRegion(2, { urgentRingBytes: 64 * 1024 })
    send(region, 0, 1, Lane.Urgent, DRAIN_FRAMES_MAX + 10)
    const { inbox, log } = inboxOf(region, 1)
    expect(inbox.drain()).toBe(1)
    expect(log.frames).toHaveLength(DRAIN_FRAMES_MAX)
    expect(inbox.drain()).toBe(0)
    expect(log.frames).toHaveLength(DRAIN_FRAMES_MAX + 10)
  })

  test('stops when its time is up, after a chunk', () => {
    const region = smallRegion(2, { bulkRingBytes: 64 * 1024 })
    send(region, 0, 1, Lane.Bulk, 600)
    const clock = new HandClock()
    const { inbox, log } = inboxOf(region, 1, clock)
    log.onEach = () => (clock.ms += DRAIN_TIME_US_MAX / 1000 / 100)
    expect(inbox.drain()).toBe(1)
    expect(log.frames).toHaveLength(64 + 256)
  })

  test('gives every bulk lane its turn', () => {
    const region = smallRegion(4, { bulkRingBytes: 64 * 1024 })
    for (const from of [0, 1, 2]) send(region, from, 3, Lane.Bulk, 1500)
    const { inbox, log } = inboxOf(region, 3)
    inbox.drain()
    const shares = [0, 1, 2].map(
      (from) => log.frames.filter((f) => f.startsWith(`${from}:`)).length,
    )
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(256)
    for (let i = 0; i < 10 && inbox.drain() === 1; i++) continue
    expect(log.frames).toHaveLength(4500)
    expect(log.frames.filter((frame) => frame.startsWith('1:'))).toEqual(marks(1, 1500))
  })

  test('serves threads beyond the sixteenth, each in its turn', () => {
    const region = smallRegion(40, { bulkRingBytes: 16 * 1024 })
    const sources = [0, 15, 16, 31, 32, 39]
    for (const from of sources) {
      send(region, from, 17, Lane.Bulk, 300)
      send(region, from, 17, Lane.Urgent, 3)
    }
    const { inbox, log } = inboxOf(region, 17)
    const rounds: string[][] = []
    for (let more = 1; more === 1;) {
      log.frames.length = 0
      more = inbox.drain()
      rounds.push([...log.frames])
    }
    expect(new Set(rounds[0]?.slice(0, 18).map((frame) => frame.split(':')[0])).size).toBe(6)
    const all = rounds.flat()
    for (const from of sources) {
      expect(all.filter((frame) => frame.startsWith(`${from}:`))).toEqual([
        ...marks(from, 3),
        ...marks(from, 300),
      ])
    }
  })

  test('is not drained within itself', () => {
    const region = smallRegion(2)
    send(region, 0, 1, Lane.Bulk, 3)
    const { inbox, log } = inboxOf(region, 1)
    const nested: number[] = []
    log.onEach = () => void nested.push(inbox.drain())
    inbox.drain()
    expect(nested).toEqual([0, 0, 0])
    expect(log.frames).toEqual(marks(0, 3))
    expect(log.drained).toBe(1)
  })

  test('is not deaf after an event that threw', () => {
    const region = smallRegion(2)
    send(region, 0, 1, Lane.Bulk, 3)
    const { inbox, log } = inboxOf(region, 1)
    log.onEach = (mark) => {
      if (mark === 1) throw new Error('against its word')
    }
    expect(() => inbox.drain()).toThrow('against its word')
    expect(inbox.isDraining).toBe(false)
    inbox.drain()
    expect(log.frames).toEqual(marks(0, 3))
  })

  test('falls asleep only when nothing is ready and nothing is left over', () => {
    const region = smallRegion(2)
    const { inbox } = inboxOf(region, 1)
    const isAsleep = (): boolean => region.views.i32[inbox.sleepingIndexOf(1)] === 1
    expect(inbox.tryPark()).toBe(false) // It has not looked at its links yet.
    expect(isAsleep()).toBe(false)
    inbox.drain()
    expect(inbox.tryPark()).toBe(true)
    expect(isAsleep()).toBe(true)
    inbox.unpark()
    expect(isAsleep()).toBe(false)
    send(region, 0, 1, Lane.Urgent, 1)
    expect(inbox.tryPark()).toBe(false)
    expect(isAsleep()).toBe(false)
  })

  test('sees what is ready in a group other than the first before it falls asleep', () => {
    const region = smallRegion(20)
    const { inbox } = inboxOf(region, 1)
    inbox.drain()
    send(region, 18, 1, Lane.Bulk, 1)
    expect(inbox.tryPark()).toBe(false)
  })

  test('notices deaths, once for all since it last looked', () => {
    const region = smallRegion(2)
    const { inbox, log } = inboxOf(region, 1)
    inbox.drain()
    expect(log.deaths).toBe(0)
    region.views.i32[HEADER_DEATHS >>> 2] = 2
    inbox.drain()
    inbox.drain()
    expect(log.deaths).toBe(1)
  })

  test('reports a corrupt link once and goes on with the others', () => {
    const region = smallRegion(3)
    send(region, 0, 2, Lane.Bulk, 3)
    send(region, 1, 2, Lane.Bulk, 3)
    region.views.i32[(region.layout.ring(0, 2, Lane.Bulk) + 24) >>> 2] = 0
    const { inbox, log } = inboxOf(region, 2)
    expect(inbox.drain()).toBe(0)
    expect(log.corrupt).toEqual([[0, expect.stringContaining('length of 0')]])
    expect(log.frames).toEqual(['0:0', ...marks(1, 3)])
    const { outbox } = outboxOf(region, 0)
    outbox.wake(outbox.link(2, Lane.Bulk))
    send(region, 1, 2, Lane.Bulk, 1)
    expect(inbox.drain()).toBe(0)
    expect(log.corrupt).toHaveLength(1)
    expect(log.frames).toHaveLength(5)
    expect(inbox.tryPark()).toBe(true)
  })

  test('is not fooled by bits of threads that do not exist', () => {
    const region = smallRegion(2)
    const { inbox } = inboxOf(region, 1)
    inbox.drain()
    region.views.i32[(region.layout.inbox(1) + INBOX_READY) >>> 2] = -1
    expect(inbox.drain()).toBe(0)
    expect(inbox.tryPark()).toBe(true)
  })

  test('tells once that a producer has the room it waited for', () => {
    const region = smallRegion(3)
    const { outbox } = outboxOf(region, 1)
    const link = outbox.link(2, Lane.Bulk)
    while (offer(region, link, 0, 64)) continue
    expect(outbox.awaitRoom(link, 512)).toBe(false)
    const { inbox, log } = inboxOf(region, 2)
    inbox.drain()
    expect(log.rooms).toEqual([1])
    outbox.wake(link)
    inbox.drain()
    expect(log.rooms).toEqual([1])
  })

  test('wakes producers that waited for a thread that has ended, once a successor looks', () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    while (offer(region, link, 0, 64)) continue
    outbox.awaitRoom(link, 512)
    const { inbox, log } = inboxOf(region, 1)
    inbox.skipAll()
    inbox.open(2)
    inbox.drain()
    expect(log.frames).toEqual([])
    expect(log.rooms).toEqual([0])
    expect(link.ring.freeBytes()).toBe(1024)
  })

  test('opens awake, alive, with no full mailbox, as its incarnation', () => {
    const region = smallRegion(2)
    const word = (offset: number): number => (region.layout.inbox(1) + offset) >>> 2
    region.views.i32[word(INBOX_FULL)] = 3
    region.views.i32[word(INBOX_DEAD)] = ThreadState.Dead
    const { inbox } = inboxOf(region, 1)
    region.views.i32[inbox.sleepingIndexOf(1)] = 1
    inbox.open(5)
    expect(region.views.i32[inbox.sleepingIndexOf(1)]).toBe(0)
    expect(region.views.i32[word(INBOX_FULL)]).toBe(0)
    expect(region.views.i32[word(INBOX_DEAD)]).toBe(ThreadState.Alive)
    expect(region.views.i32[word(INBOX_INCARNATION)]).toBe(5)
  })

  test('knows whether frames wait, bits or not', () => {
    const region = smallRegion(2)
    const { inbox } = inboxOf(region, 1)
    expect(inbox.hasFrames).toBe(false)
    const { outbox } = outboxOf(region, 0)
    offer(region, outbox.link(1, Lane.Bulk), 1)
    outbox.link(1, Lane.Bulk).ring.publish()
    expect(inbox.hasFrames).toBe(true)
    inbox.drain()
    expect(inbox.hasFrames).toBe(false)
  })

  test('survives a tail that no producer writes', () => {
    const region = smallRegion(2)
    const { inbox, log } = inboxOf(region, 1)
    region.views.i32[(region.layout.laneWords(0, 1, Lane.Bulk) + LINK_TAIL) >>> 2] = 1 << 20
    expect(inbox.drain()).toBe(0)
    expect(log.corrupt).toEqual([[0, expect.stringContaining('tail')]])
  })
})
