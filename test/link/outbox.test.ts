import { describe, expect, test, vi } from 'vitest'
import { FLUSH_BYTES } from '../../src/base/limits.js'
import {
  INBOX_READY,
  INBOX_SLEEPING,
  Lane,
  LINK_HEAD,
  LINK_TAIL,
  LINK_TAKEN,
} from '../../src/memory/layout.js'
import type { Region } from '../../src/memory/region.js'
import { Cursor } from '../../src/ring/ring.js'
import { inboxOf, offer, outboxOf, smallRegion } from './small-region.js'

const tailOf = (region: Region, from: number, to: number, lane: Lane): number =>
  region.views.i32[(region.layout.laneWords(from, to, lane) + LINK_TAIL) >>> 2] as number

const readyOf = (region: Region, thread: number, group = 0): number =>
  region.views.i32[(region.layout.inbox(thread) + INBOX_READY + group * 128) >>> 2] as number

const setSleeping = (region: Region, thread: number): void => {
  region.views.i32[(region.layout.inbox(thread) + INBOX_SLEEPING) >>> 2] = 1
}

describe('an outbox', () => {
  test('has one writer for each lane of each link', () => {
    const { outbox } = outboxOf(smallRegion(3), 0)
    const links = [0, 1, 2].flatMap((to) => [
      outbox.link(to, Lane.Urgent),
      outbox.link(to, Lane.Bulk),
    ])
    expect(new Set(links).size).toBe(6)
    expect(outbox.link(2, Lane.Bulk)).toBe(links[5])
    expect(links[5]).toMatchObject({ to: 2, lane: Lane.Bulk, frameBytesMax: 256 })
  })

  test('makes a lone message visible at the end of the tick, and not before', async () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    offer(region, link, 1)
    outbox.committed(link)
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(0)
    await Promise.resolve()
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(3)
    expect(readyOf(region, 1)).toBe(0b10)
  })

  test('flushes in later ticks as in the first', async () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Urgent)
    for (let i = 1; i <= 3; i++) {
      offer(region, link, i)
      outbox.committed(link)
      await Promise.resolve()
      expect(tailOf(region, 0, 1, Lane.Urgent)).toBe(3 * i)
    }
  })

  test('makes a batch visible when it holds FLUSH_BYTES, and not a byte before', () => {
    const region = smallRegion(2, { bulkRingBytes: 4 * FLUSH_BYTES })
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    const commit = (lengthBytes: number): void => {
      offer(region, link, 0, lengthBytes)
      outbox.committed(link)
    }
    commit(FLUSH_BYTES - 32)
    commit(24)
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(0)
    commit(24)
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe((FLUSH_BYTES + 16) / 8)
  })

  test('need not be told of what ends before `Quiet`', async () => {
    const region = smallRegion(2, { bulkRingBytes: 8 * FLUSH_BYTES })
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    const { cursor } = link.ring
    let told = 0
    const units = (lengthBytes: number): number => {
      offer(region, link, 0, lengthBytes)
      const isQuiet = (cursor[Cursor.Tail] as number) < (cursor[Cursor.Quiet] as number)
      if (!isQuiet && told++ >= 0) outbox.committed(link)
      return lengthBytes / 8
    }
    // A whole batch at once is not listed for the end of the tick; what follows it has to be.
    const first = units(FLUSH_BYTES)
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(first)
    const second = units(24)
    await Promise.resolve()
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(first + second)
    expect(told).toBe(2)
    // A batch of many is told of its first and its last.
    let tail = first + second
    for (let i = 0; i < FLUSH_BYTES / 64; i++) {
      expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(first + second)
      tail += units(64)
    }
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(tail)
    expect(told).toBe(4)
    // From three quarters of the ring on of each.
    for (let i = 0; i < 5; i++) tail += units(FLUSH_BYTES)
    expect(link.isBelowHighWater()).toBe(false)
    told = 0
    for (let i = 0; i < 3; i++) tail += units(24)
    expect(told).toBe(3)
    await Promise.resolve()
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(tail)
  })

  test.each(['committed', 'flush'] as const)('%s leaves nothing behind unlisted', (how) => {
    const region = smallRegion(2, { bulkRingBytes: 8 * FLUSH_BYTES })
    const { outbox } = outboxOf(region, 0)
    const { inbox } = inboxOf(region, 1)
    inbox.open(1)
    const link = outbox.link(1, Lane.Bulk)
    const { cursor } = link.ring
    const distance = (): number =>
      ((cursor[Cursor.Tail] as number) - (cursor[Cursor.Quiet] as number)) | 0
    // As if nobody had looked at it for 16 GiB.
    cursor[Cursor.Quiet] = ((cursor[Cursor.Tail] as number) - 2 ** 31) | 0
    for (let i = 0; i < 20; i++) {
      offer(region, link, 0, FLUSH_BYTES)
      outbox[how](link)
      inbox.drain()
      // What follows a batch that is gone is in no list, however full the ring looks.
      expect(link.isBelowHighWater()).toBe(true)
      expect([cursor[Cursor.Listed], distance()]).toEqual([0, 0])
    }
  })

  describe('prepared for a frame', () => {
    const RING_BYTES = 4 * FLUSH_BYTES
    const UNITS = 7
    const prepared = (start = 0) => {
      const region = smallRegion(2, { bulkRingBytes: RING_BYTES })
      const words = region.layout.laneWords(0, 1, Lane.Bulk)
      for (const word of [LINK_HEAD, LINK_TAIL, LINK_TAKEN]) {
        region.views.i32[(words + word) >>> 2] = start
      }
      const { outbox } = outboxOf(region, 0)
      const { inbox, log } = inboxOf(region, 1)
      inbox.open(1)
      const link = outbox.link(1, Lane.Bulk)
      const { cursor } = link.ring
      const fits = (): boolean =>
        (((cursor[Cursor.Tail] as number) + UNITS - (cursor[Cursor.Quiet] as number)) | 0) < 0
      /** As a bound publisher does it. */
      const write = (mark: number): boolean => {
        if (!fits() && !outbox.prepare(link, UNITS)) return false
        const at = link.ring.data + (((cursor[Cursor.Tail] as number) & (RING_BYTES / 8 - 1)) << 3)
        const before = cursor[Cursor.Tail] as number
        offer(region, link, mark, UNITS * 8)
        // Where the caller expects it: no PAD is left to be written.
        expect(((cursor[Cursor.Tail] as number) - before) | 0).toBe(UNITS)
        expect(region.views.i32[(at >>> 2) + 4]).toBe(mark)
        return true
      }
      return { region, outbox, inbox, log, link, write, fits }
    }

    test('it needs nobody to be told, and all of them leave by the end of the tick', async () => {
      const { region, outbox, link, write, fits } = prepared()
      expect(fits()).toBe(false)
      for (let mark = 0; mark < 3; mark++) expect(write(mark)).toBe(true)
      expect(outbox.prepare(link, UNITS)).toBe(false)
      expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(0)
      await Promise.resolve()
      expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(3 * UNITS)
      expect(fits()).toBe(false)
    })

    test.each([0, 2 ** 31 - 5000, -5000])(
      'full batches leave before it, and a lap ends where it would not fit: from %i',
      (start) => {
        const { region, inbox, log, write } = prepared(start)
        const marks: string[] = []
        for (let mark = 0; mark < 10_000; mark++) {
          expect(write(mark)).toBe(true)
          marks.push(`0:${mark}`)
          if (mark % 50 === 0) inbox.drain()
        }
        const passed = (tailOf(region, 0, 1, Lane.Bulk) - start) | 0
        expect(passed).toBeGreaterThan(10_000 * UNITS - FLUSH_BYTES / 8)
        inbox.drain()
        expect(log.frames.length).toBeGreaterThan(9_900)
        expect(log.frames).toEqual(marks.slice(0, log.frames.length))
      },
    )

    test('nobody is where three quarters of the ring are taken, nor for what fills a batch', () => {
      const { outbox, link, write, inbox } = prepared()
      let written = 0
      while (write(written)) written++
      expect(written * UNITS * 8).toBeGreaterThan((RING_BYTES * 3) / 4 - 2 * UNITS * 8)
      expect(written * UNITS * 8).toBeLessThanOrEqual((RING_BYTES * 3) / 4)
      outbox.flush(link)
      inbox.drain()
      expect(write(written)).toBe(true)
      expect(outbox.prepare(link, FLUSH_BYTES / 8)).toBe(false)
    })
  })

  test('has to be told of what follows a flush that left nothing to flush', () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    offer(region, link, 1)
    outbox.committed(link)
    outbox.flush(link)
    outbox.flushAll()
    const { cursor } = link.ring
    expect([cursor[Cursor.Listed], cursor[Cursor.Quiet]]).toEqual([0, cursor[Cursor.Tail]])
  })

  test('flushes every link that was written to, once', async () => {
    const region = smallRegion(3)
    const { outbox } = outboxOf(region, 0)
    for (const to of [0, 1, 2]) {
      for (let i = 0; i < 2; i++) {
        offer(region, outbox.link(to, Lane.Bulk), i)
        outbox.committed(outbox.link(to, Lane.Bulk))
      }
    }
    outbox.flushAll()
    for (const to of [0, 1, 2]) expect(tailOf(region, 0, to, Lane.Bulk)).toBe(6)
    region.views.i32.fill(
      0,
      (region.layout.inbox(1) + INBOX_READY) >>> 2,
      (region.layout.inbox(1) + INBOX_READY + 4) >>> 2,
    )
    await Promise.resolve()
    expect(readyOf(region, 1)).toBe(0)
  })

  test('sets the bit of its thread and lane, in the group of its thread', () => {
    const region = smallRegion(20, { bulkRingBytes: 1024 })
    for (const from of [0, 15, 16, 19]) {
      const { outbox } = outboxOf(region, from)
      for (const lane of [Lane.Urgent, Lane.Bulk]) {
        outbox.wake(outbox.link(2, lane))
        const bit = 1 << ((from % 16) * 2 + lane)
        expect(readyOf(region, 2, Math.floor(from / 16)) & bit).toBe(bit)
      }
    }
    expect(readyOf(region, 2, 0)).toBe(3 | (3 << 30))
    expect(readyOf(region, 2, 1)).toBe(3 | (3 << 6))
  })

  test('rings only a reader that sleeps, and only once', () => {
    const region = smallRegion(2)
    const { outbox, bell } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    const send = (): void => {
      offer(region, link, 0)
      outbox.flush(link)
    }
    send()
    expect(bell.rung).toEqual([])
    const { inbox } = inboxOf(region, 1)
    inbox.drain()
    expect(inbox.tryPark()).toBe(true)
    send()
    send()
    expect(bell.rung).toEqual([1])
    expect(region.views.i32[inbox.sleepingIndexOf(1)]).toBe(0)
  })

  test('rings a sleeping reader for its other lane too, when that is what it slept through', () => {
    const region = smallRegion(2)
    const { outbox, bell } = outboxOf(region, 0)
    setSleeping(region, 1)
    outbox.wake(outbox.link(1, Lane.Urgent))
    setSleeping(region, 1)
    outbox.wake(outbox.link(1, Lane.Bulk))
    expect(bell.rung).toEqual([1, 1])
  })

  test('leaves a ready bit alone that is set already', () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    const or = vi.spyOn(Atomics, 'or')
    for (let i = 0; i < 5; i++) outbox.wake(outbox.link(1, Lane.Bulk))
    expect(or).toHaveBeenCalledOnce()
    or.mockRestore()
  })

  test('flushes nothing and wakes nobody when nothing is pending', () => {
    const region = smallRegion(2)
    const { outbox, bell } = outboxOf(region, 0)
    setSleeping(region, 1)
    outbox.flush(outbox.link(1, Lane.Bulk))
    outbox.flushAll()
    expect(bell.rung).toEqual([])
    expect(readyOf(region, 1)).toBe(0)
  })

  test('makes what is pending visible before it waits for room', () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    const link = outbox.link(1, Lane.Bulk)
    while (offer(region, link, 0, 64)) outbox.committed(link)
    expect(outbox.awaitRoom(link, 128)).toBe(false)
    expect(tailOf(region, 0, 1, Lane.Bulk)).toBe(128)
  })

  test('keeps the larger of two wishes for room', () => {
    const region = smallRegion(2)
    const { outbox } = outboxOf(region, 0)
    const { inbox, log } = inboxOf(region, 1)
    const link = outbox.link(1, Lane.Bulk)
    while (offer(region, link, 0, 64)) continue
    expect(outbox.awaitRoom(link, 512)).toBe(false)
    expect(outbox.awaitRoom(link, 128)).toBe(false)
    expect(link.awaitedBytes).toBe(512)
    inbox.drain()
    expect(log.rooms).toEqual([0])
    expect(outbox.awaitRoom(link, 128)).toBe(true)
    expect(link.awaitedBytes).toBe(0)
  })
})
