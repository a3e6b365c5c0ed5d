import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  CHUNK_AREA_BYTES,
  CHUNK_CLASSES,
  CHUNK_WINDOW_BYTES,
  CHUNK_WINDOW_MESSAGES,
  FRAME_HEADER_BYTES,
} from '../../src/base/limits.js'
import { ChunkPool } from '../../src/link/chunk-pool.js'
import { ChunkWindow } from '../../src/link/chunk-window.js'
import { ChunkReclaim } from '../../src/link/chunk-reclaim.js'
import { DESCRIPTOR_BYTES } from '../../src/link/descriptor.js'
import type { Outbox } from '../../src/link/outbox.js'
import { ChunkWord, chunkLayoutOf } from '../../src/memory/chunk-layout.js'
import { Lane } from '../../src/memory/layout.js'
import type { Region } from '../../src/memory/region.js'
import { FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../../src/ring/frame.js'
import { JobKind, stateWord } from '../../src/ring/queue-layout.js'
import { RingReader } from '../../src/ring/ring.js'
import { HandClock } from '../base/hand-clock.js'
import { outboxOf, smallRegion } from './small-region.js'

const KIB = 1024
const clock = new HandClock()

/** Several threads' pools over one region, played on one thread. */
class Pools {
  readonly region: Region
  readonly woken: number[] = []
  readonly pools: ChunkPool[]
  readonly outboxes: Outbox[]
  readonly reclaim: ChunkReclaim

  constructor(threads: number, chunkBytes: number) {
    this.region = smallRegion(threads, { chunkBytes, queueBytes: 4096 })
    const wake = (thread: number): void => void this.woken.push(thread)
    this.pools = Array.from({ length: threads }, (_, t) => {
      return new ChunkPool(this.region, t, clock, wake)
    })
    this.outboxes = this.pools.map((_, thread) => outboxOf(this.region, thread).outbox)
    this.reclaim = new ChunkReclaim(this.region, wake)
  }

  at(thread: number): ChunkPool {
    return this.pools[thread] as ChunkPool
  }

  /** Takes a block on `from` and shares it with `to`, without a frame. */
  send(from: number, to: readonly number[], bytes = 100): { block: number; generation: number } {
    const pool = this.at(from)
    const block = pool.take(bytes, 0)
    const generation = pool.generationOf(block)
    const [low, high] = bitsOf(to)
    pool.share(block, low, high, bytes, 0)
    pool.sent(block)
    return { block, generation }
  }

  /** Commits a frame that names a block; it is seen only once its batch is flushed. */
  name(from: number, to: number, { block, generation }: Named, more = 0, lane: Lane = Lane.Bulk) {
    const { ring } = (this.outboxes[from] as Outbox).link(to, lane)
    const length = FRAME_HEADER_BYTES + DESCRIPTOR_BYTES
    const word = ring.claim(length) >>> 2
    expect(word).toBeGreaterThan(0)
    this.region.views.i32.set(
      [length | (FrameKind.Publish << FRAME_KIND_SHIFT), FrameFlag.Chunk, 1, 0],
      word,
    )
    this.region.views.i32.set([block, generation, 100, more], word + FRAME_HEADER_BYTES / 4)
    ring.commit()
  }

  flush(from: number): void {
    for (let to = 0; to < this.pools.length; to++) {
      for (const lane of [Lane.Urgent, Lane.Bulk]) {
        const link = (this.outboxes[from] as Outbox).link(to, lane)
        if (link.ring.pendingBytes > 0) link.ring.publish()
      }
    }
  }

  /** Reads one frame that `from` has sent to `to`, and forgets it. */
  read(from: number, to: number): number {
    const { layout, views } = this.region
    const reader = new RingReader(views.i32, {
      words: layout.laneWords(from, to, Lane.Bulk),
      data: layout.ring(from, to, Lane.Bulk),
      ringBytes: layout.ringBytes(Lane.Bulk),
    })
    return reader.poll(() => {}, 1)
  }

  /** Another thread on the place of one that has ended: it drops what lay unread, and writes on. */
  restart(thread: number): void {
    const { layout, views } = this.region
    for (let from = 0; from < this.pools.length; from++) {
      for (const lane of [Lane.Urgent, Lane.Bulk] as const) {
        const words = layout.laneWords(from, thread, lane)
        const data = layout.ring(from, thread, lane)
        new RingReader(views.i32, { words, data, ringBytes: layout.ringBytes(lane) }).skipAll()
      }
    }
    const wake = (woken: number): void => void this.woken.push(woken)
    this.pools[thread] = new ChunkPool(this.region, thread, clock, wake)
    this.outboxes[thread] = outboxOf(this.region, thread).outbox
  }

  get inUse(): number {
    return this.reclaim.records().length
  }
}

interface Named {
  readonly block: number
  readonly generation: number
}

function bitsOf(threads: readonly number[]): [number, number] {
  const bits: [number, number] = [0, 0]
  for (const thread of threads) bits[thread >>> 5 ? 1 : 0] |= 1 << (thread & 31)
  return bits
}

describe('the layout of the area', () => {
  test('has blocks of every size by default, the largest for the largest message', () => {
    const { classes, bytesMax } = chunkLayoutOf(0, CHUNK_AREA_BYTES)
    expect(classes.map(({ bytes }) => bytes)).toEqual(CHUNK_CLASSES.map(({ bytes }) => bytes))
    expect(bytesMax).toBe(64 * KIB * KIB)
    expect(classes.map(({ count }) => count)).toEqual([507, 512, 96, 56, 10, 2, 1])
  })

  test('keeps everything apart and within the area, whatever its size', () => {
    const property = fc.property(fc.integer({ min: 0, max: 2 ** 28 }), (areaBytes) => {
      const start = 8192
      const { classes, blocks, records } = chunkLayoutOf(start, areaBytes)
      let end = records + blocks * 64
      let first = 0
      for (const chunk of classes) {
        expect(chunk.first).toBe(first)
        expect(chunk.data).toBeGreaterThanOrEqual(end)
        expect(chunk.data % 4096).toBe(0)
        first += chunk.count
        end = chunk.data + chunk.count * chunk.bytes
      }
      expect(first).toBe(blocks)
      if (blocks > 0) expect(end).toBeLessThanOrEqual(start + areaBytes)
    })
    fc.assert(property)
  })
})

describe('a block', () => {
  test('is taken from the smallest size that fits, or the next', () => {
    const pools = new Pools(2, 512 * KIB)
    const pool = pools.at(0)
    const sizes = (bytes: number): number[] => {
      const found: number[] = []
      for (let block; (block = pool.take(bytes, 0)) >= 0;) found.push(pool.capacityOf(block))
      return found
    }
    const small = sizes(1)
    expect(new Set(small)).toEqual(new Set([16 * KIB, 64 * KIB]))
    expect(small).toEqual([...small].sort((a, b) => a - b))
    expect(pools.inUse).toBe(small.length)
    expect(pool.take(pool.bytesMax + 1, 0)).toBe(-1)
  })

  test('is given back, and is another one when it is taken again', () => {
    const { pools } = new Pools(2, 512 * KIB)
    const pool = pools[0] as ChunkPool
    const block = pool.take(1, 0)
    const generation = pool.generationOf(block)
    pool.giveBack(block)
    expect(pool.take(1, 0)).toBe(block)
    expect(pool.generationOf(block)).toBe(generation + 1)
  })

  test('that was sent is free when its last receiver has done with it', () => {
    const pools = new Pools(3, 512 * KIB)
    const { block, generation } = pools.send(0, [1, 2])
    for (const thread of [1, 2]) {
      expect(pools.inUse).toBe(1)
      expect(pools.at(thread).accept(block, generation, 100)).toBe(pools.at(0).offsetOf(block))
      pools.at(thread).finish(block)
    }
    expect(pools.inUse).toBe(0)
  })

  test('stays while any lease of it lasts', () => {
    const pools = new Pools(2, 512 * KIB)
    const { block } = pools.send(0, [1])
    const pool = pools.at(1)
    pool.addLease(block)
    pool.addLease(block)
    pool.finish(block)
    pool.dropLease(block)
    expect(pools.reclaim.records()).toMatchObject([{ block, owner: 0, due: [], held: [1] }])
    pool.dropLease(block)
    expect(pools.inUse).toBe(0)
  })

  test('is free when no frame goes to the last of those it was for', () => {
    const pools = new Pools(3, 512 * KIB)
    const { block } = pools.send(0, [1, 2])
    pools.at(0).withdraw(block, 2)
    expect(pools.reclaim.records()).toMatchObject([{ block, due: [1] }])
    pools.at(0).withdraw(block, 1)
    expect(pools.inUse).toBe(0)
  })

  test('is not taken off the list of one that came after it', () => {
    // Two blocks, and all of both are wanted.
    const pools = new Pools(4, 192 * KIB)
    const [one, other] = [pools.at(3), pools.at(0)]
    const blocks = pools.reclaim.layout.blocks
    const all = Array.from({ length: blocks }, () => one.take(100, 0)).filter((b) => b >= 0)
    const block = all.pop() as number
    one.share(block, 1 << 1, 0, 100, 0)
    // Thread 1 is dead, and what was for it is reclaimed, before thread 3 has looked.
    pools.reclaim.reclaim(1)
    const next = other.take(100, 0)
    const generation = next < 0 ? 0 : other.generationOf(next)
    if (next >= 0) other.share(next, 1 << 1, 0, 100, 0)
    one.withdraw(block, 1)
    if (next >= 0) expect(other.isDue(next, generation, 1)).toBe(true)
    one.sent(block)
    expect(other.take(100, 0)).toBe(block)
  })

  test('is not taken for the one that it was while somebody looked', () => {
    const pools = new Pools(4, 192 * KIB)
    const [one, other, reader] = [pools.at(3), pools.at(0), pools.at(1)]
    const { block, generation } = pools.send(3, [1, 2])
    // It was meant for who had that place before.
    pools.reclaim.reclaim(1)
    const load = vi.spyOn(Atomics, 'load')
    let next = -1
    load.mockImplementationOnce((words, index) => {
      load.mockRestore()
      const seen = words[index]
      pools.at(2).finish(block)
      for (let tries = 0; next !== block && tries < 100; tries++) next = other.take(100, 0)
      other.share(block, 1 << 1, 0, 100, 0)
      return seen as never
    })
    expect(reader.accept(block, generation, 100)).toBe(-1)
    expect(next).toBe(block)
    expect(one.isDue(block, generation, 1)).toBe(false)
    expect(reader.accept(block, other.generationOf(block), 100)).toBeGreaterThan(0)
  })

  test('is given to nobody it was not sent to, and to nobody twice', () => {
    const pools = new Pools(3, 512 * KIB)
    const { block, generation } = pools.send(0, [1])
    expect(pools.at(2).accept(block, generation, 100)).toBe(-1)
    expect(pools.at(1).accept(block, generation + 1, 100)).toBe(-1)
    expect(pools.at(1).accept(block, generation, 17 * KIB)).toBe(-1)
    expect(pools.at(1).accept(100_000, generation, 100)).toBe(-1)
    expect(pools.at(1).accept(0xffff_ffff, generation, 100)).toBe(-1)
    pools.at(1).finish(block)
    expect(pools.at(1).accept(block, generation, 100)).toBe(-1)
  })

  test('that is freed wakes whoever waits for one, once', () => {
    const pools = new Pools(40, 512 * KIB)
    const one = pools.send(0, [1, 2])
    for (const thread of [3, 35]) pools.at(thread).awaitFree()
    pools.at(1).finish(one.block)
    expect(pools.woken).toEqual([])
    pools.at(2).finish(one.block)
    expect(pools.woken).toEqual([3, 35])
    pools.at(0).giveBack(pools.at(0).take(1, 0))
    expect(pools.woken).toEqual([3, 35])
    expect(pools.inUse).toBe(0)
  })

  test('has a bit for each of 64 threads', () => {
    const pools = new Pools(64, 512 * KIB)
    const { block, generation } = pools.send(0, [31, 32, 63])
    expect(pools.reclaim.records()).toMatchObject([{ due: [31, 32, 63] }])
    for (const thread of [63, 31, 32]) {
      expect(pools.at(thread).accept(block, generation, 1)).toBeGreaterThan(0)
      pools.at(thread).finish(block)
    }
    expect(pools.inUse).toBe(0)
  })
})

describe('the window of a link', () => {
  test('is full from so many messages on, and wakes its sender once, when enough were read', () => {
    const pools = new Pools(2, 64 * 1024 * KIB)
    const window = new ChunkWindow(pools.at(0), 1)
    const sent = Array.from({ length: CHUNK_WINDOW_MESSAGES + 1 }, () => pools.send(0, [1], 10))
    for (const [n, one] of sent.entries()) {
      expect(window.isAbove(1)).toBe(false)
      expect(window.isAbove(1 / 2)).toBe(n > CHUNK_WINDOW_MESSAGES / 2)
      window.add({ ...one, bytes: 10 })
    }
    expect(window.isAbove(1)).toBe(true)
    expect(window.awaitBelow(1 / 2)).toBe(false)
    for (const [n, { block }] of sent.entries()) {
      pools.at(1).finish(block)
      const isEnough = n >= CHUNK_WINDOW_MESSAGES / 2
      expect(pools.woken).toEqual(isEnough ? [0] : [])
    }
    expect(window.awaitBelow(0)).toBe(true)
  })

  test('lets two messages pass, however large', () => {
    const pools = new Pools(2, 512 * KIB)
    const window = new ChunkWindow(pools.at(0), 1)
    for (const isAbove of [false, false, true]) {
      expect(window.isAbove(1)).toBe(isAbove)
      window.add({ ...pools.send(0, [1], 10), bytes: CHUNK_WINDOW_BYTES })
      if (isAbove) expect(window.awaitBelow(1)).toBe(false)
    }
  })
})

describe('after the end of a thread', () => {
  test('what it owned and had not sent is free', () => {
    const pools = new Pools(2, 512 * KIB)
    pools.at(1).take(1, 0)
    const other = pools.at(0).take(1, 0)
    expect(pools.reclaim.reclaim(1)).toBe(1)
    expect(pools.reclaim.records()).toMatchObject([{ block: other, owner: 0 }])
  })

  test('what it held or was to receive is free, and stays for the others', () => {
    const pools = new Pools(3, 512 * KIB)
    const held = pools.send(0, [1])
    pools.at(1).addLease(held.block)
    pools.at(1).finish(held.block)
    pools.send(0, [1])
    const both = pools.send(0, [1, 2])
    expect(pools.reclaim.reclaim(1)).toBe(2)
    expect(pools.reclaim.records()).toMatchObject([{ block: both.block, due: [2], held: [] }])
  })

  test('what it had published stays, what it had not flushed is free', () => {
    const pools = new Pools(3, 512 * KIB)
    const published = pools.send(1, [0])
    pools.name(1, 0, published)
    pools.flush(1)
    const unflushed = pools.send(1, [0])
    pools.name(1, 0, unflushed)
    pools.send(1, [0, 2]) // Not even written.
    expect(pools.reclaim.reclaim(1)).toBe(2)
    const { block, generation } = published
    expect(pools.reclaim.records()).toMatchObject([{ block, due: [0] }])
    expect(pools.at(0).accept(block, generation, 100)).toBeGreaterThan(0)
  })

  test('a block whose last frame was not flushed is nobody’s, though the first was', () => {
    const pools = new Pools(2, 512 * KIB)
    const one = pools.send(1, [0])
    pools.name(1, 0, one, 1)
    pools.flush(1)
    pools.name(1, 0, one, 0)
    expect(pools.reclaim.reclaim(1)).toBe(1)
    expect(pools.at(0).accept(one.block, one.generation, 100)).toBe(-1)
  })

  test('what it had done with, and not come to freeing, is free', () => {
    const pools = new Pools(2, 512 * KIB)
    const { block } = pools.send(0, [1])
    const { i32 } = pools.region.views
    Atomics.store(i32, (pools.at(0).layout.records + block * 64 + 4 * ChunkWord.DueLow) >>> 2, 0)
    expect(pools.inUse).toBe(1)
    expect(pools.reclaim.reclaim(1)).toBe(1)
    expect(pools.inUse).toBe(0)
  })

  test('a lease of what it had sent lasts', () => {
    const pools = new Pools(2, 512 * KIB)
    const { block } = pools.send(1, [0])
    pools.at(0).addLease(block)
    pools.at(0).finish(block)
    expect(pools.reclaim.reclaim(1)).toBe(0)
    pools.at(0).dropLease(block)
    expect(pools.inUse).toBe(0)
  })

  test('replies on the urgent lane count as any other frame', () => {
    const pools = new Pools(2, 512 * KIB)
    const { block } = pools.send(1, [0])
    pools.name(1, 0, { block, generation: 1 }, 0, Lane.Urgent)
    pools.flush(1)
    expect(pools.reclaim.reclaim(1)).toBe(0)
    expect(pools.inUse).toBe(1)
  })

  test('whoever waits for a block is woken', () => {
    const pools = new Pools(2, 512 * KIB)
    pools.at(1).take(1, 0)
    pools.at(0).awaitFree()
    pools.reclaim.reclaim(1)
    expect(pools.woken).toEqual([0])
  })

  test('whoever waits for it to receive is woken, and has nothing to wait for', () => {
    const pools = new Pools(3, 512 * KIB)
    const { block, generation } = pools.send(0, [1, 2])
    expect(pools.at(0).awaitReceived(block, generation, 1)).toBe(true)
    pools.reclaim.reclaim(1)
    expect(pools.woken).toEqual([0])
    expect(pools.at(0).awaitReceived(block, generation, 1)).toBe(false)
  })
})

/** What a run of random steps may do; numbers choose among what there is. */
type Step = readonly [
  what: 'take' | 'give back' | 'send' | 'receive' | 'lease' | 'drop' | 'die',
  thread: number,
  choice: number,
]

const THREADS = 3

test('whatever threads do and wherever they end, no block is lost and none has two masters', () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom('take', 'give back', 'send', 'receive', 'lease', 'drop', 'die'),
    fc.nat(THREADS - 1),
    fc.nat(1000),
  )
  const property = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const pools = new Pools(THREADS, 192 * KIB)
    const owned: number[][] = pools.pools.map(() => [])
    /** For each thread: what is under way to it, from whom, with its frame flushed or not. */
    const due: (Named & { from: number; isFlushed: boolean })[][] = pools.pools.map(() => [])
    const leases: number[][] = pools.pools.map(() => [])
    const pick = <T>(list: T[], choice: number): T | undefined =>
      list.length === 0 ? undefined : list.splice(choice % list.length, 1)[0]
    const expected = (): Set<number> =>
      new Set([...owned.flat(), ...due.flat().map(({ block }) => block), ...leases.flat()])
    for (const [what, thread, choice] of steps) {
      const pool = pools.at(thread)
      if (what === 'take') {
        const before = expected()
        const block = pool.take(1 + (choice % 65_000), 0)
        if (block < 0) continue
        expect(before.has(block), 'a block that is in use').toBe(false)
        owned[thread]!.push(block)
      } else if (what === 'give back') {
        const block = pick(owned[thread]!, choice)
        if (block !== undefined) pool.giveBack(block)
      } else if (what === 'send') {
        const block = pick(owned[thread]!, choice)
        if (block === undefined) continue
        const generation = pool.generationOf(block)
        const receivers = [0, 1, 2].filter((to) => ((choice >>> to) & 1) !== 0)
        if (receivers.length === 0) {
          pool.giveBack(block)
          continue
        }
        const [low, high] = bitsOf(receivers)
        pool.share(block, low, high, 100, 0)
        pool.sent(block)
        const isFlushed = (choice & 8) !== 0
        for (const to of receivers) {
          due[to]!.push({ block, generation, from: thread, isFlushed })
          pools.name(thread, to, { block, generation })
        }
        // A batch leaves as a whole, what gathered before with it.
        if (!isFlushed) continue
        pools.flush(thread)
        for (const all of due) for (const one of all) if (one.from === thread) one.isFlushed = true
      } else if (what === 'receive' || what === 'lease') {
        const index = due[thread]!.findIndex(({ isFlushed }) => isFlushed)
        const [one] = index < 0 ? [] : due[thread]!.splice(index, 1)
        if (one === undefined) continue
        // In order within a link, as a ring is.
        expect(pool.accept(one.block, one.generation, 100)).toBeGreaterThan(0)
        if (what === 'lease') {
          pool.addLease(one.block)
          leases[thread]!.push(one.block)
        }
        pool.finish(one.block)
        pools.read(one.from, thread)
      } else if (what === 'drop') {
        const block = pick(leases[thread]!, choice)
        if (block !== undefined) pool.dropLease(block)
      } else {
        pools.reclaim.reclaim(thread)
        owned[thread] = []
        leases[thread] = []
        due[thread] = []
        for (let to = 0; to < THREADS; to++) {
          due[to] = due[to]!.filter(({ from, isFlushed }) => from !== thread || isFlushed)
        }
        pools.restart(thread)
      }
      const inUse = new Set(pools.reclaim.records().map(({ block }) => block))
      expect(inUse).toEqual(expected())
    }
  })
  fc.assert(property, { numRuns: 300 })
})

describe('a block of a job', () => {
  /** A slot's state word: as many as a test needs, in the area of queues. */
  const LIFE = 3
  const world = () => {
    const pools = new Pools(3, 512 * KIB)
    const { i32 } = pools.region.views
    const slot = pools.region.layout.queues >>> 2
    const set = (kind: number, life = LIFE) => {
      Atomics.store(i32, slot, stateWord(kind, 0, 0, life))
    }
    set(JobKind.Free)
    const give = (thread: number) => {
      const block = pools.at(thread).take(100, 0)
      pools.at(thread).giveToSlot(block, slot)
      return { block, generation: pools.at(thread).generationOf(block) }
    }
    return { pools, set, give, slot }
  }

  test('lives as long as its job, and is freed once, by whoever ended that', () => {
    const { pools, set, give, slot } = world()
    const { block, generation } = give(1)
    set(JobKind.Ready)
    expect(pools.reclaim.records()).toMatchObject([{ block, slot, due: [], held: [], bytes: 100 }])
    expect(pools.at(2).bytesOfSlot(block, generation)).toBe(100)
    expect(pools.at(2).accept(block, generation, 100)).toBe(-1)
    for (const thread of [1, 2]) {
      expect(pools.reclaim.reclaim(thread)).toBe(0)
      pools.at(thread).sweepSlots()
    }
    // A late look at a message that the block was before.
    pools.at(2).withdraw(block, 2)
    expect(pools.inUse).toBe(1)
    pools.at(0).awaitFree()
    set(JobKind.Free, LIFE + 1)
    pools.at(2).freeOfSlot(block, generation)
    expect(pools.inUse).toBe(0)
    expect(pools.woken).toEqual([0])
    // Another life of the block: what names the first one frees nothing.
    const again = pools.at(1).take(100, 0)
    expect(again).toBe(block)
    pools.at(1).giveToSlot(again, slot)
    pools.at(2).freeOfSlot(block, generation)
    expect(pools.at(2).bytesOfSlot(block, generation)).toBe(-1)
    expect(pools.inUse).toBe(1)
  })

  test('is freed after a death, when whoever ended the job came no further', () => {
    const { pools, set, give } = world()
    give(1)
    set(JobKind.Free, LIFE + 1)
    expect(pools.reclaim.reclaim(2)).toBe(1)
    give(1)
    set(JobKind.Claimed, LIFE + 2)
    pools.at(0).sweepSlots()
    expect(pools.inUse).toBe(0)
  })

  test('is free if its thread ends before the job is in the slot, not if another does', () => {
    const { pools, give } = world()
    give(1)
    expect(pools.reclaim.reclaim(2)).toBe(0)
    pools.at(0).sweepSlots()
    expect(pools.inUse).toBe(1)
    expect(pools.reclaim.reclaim(1)).toBe(1)
    expect(pools.inUse).toBe(0)
  })

  test('is a message’s again after that', () => {
    const { pools, set, give } = world()
    const { block, generation } = give(1)
    set(JobKind.Free, LIFE + 1)
    pools.at(1).freeOfSlot(block, generation)
    const sent = pools.send(1, [2])
    expect(sent.block).toBe(block)
    expect(pools.reclaim.records()).toMatchObject([{ slot: 0, due: [2] }])
    pools.at(2).finish(sent.block)
    expect(pools.inUse).toBe(0)
  })

  test('is free when the engine ends, and when its words name nothing', () => {
    const { pools, set, give, slot } = world()
    give(1)
    set(JobKind.Ready)
    pools.reclaim.freeSlots()
    expect(pools.inUse).toBe(0)
    const { block } = give(1)
    const { i32 } = pools.region.views
    i32[(pools.at(0).layout.records + block * 64 + 4 * ChunkWord.Slot) >>> 2] = 2 ** 30 + slot
    pools.at(0).sweepSlots()
    expect(pools.inUse).toBe(0)
  })
})
