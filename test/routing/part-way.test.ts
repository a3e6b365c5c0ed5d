// The short way of parts: out by an emitter, in past the dispatcher's long way.

import { describe, expect, test } from 'vitest'
import { EMITTER_AFTER_MESSAGES } from '../../src/base/limits.js'
import { message, type Message } from '../../src/codec/message.js'
import { oneOf, u32, utf8 } from '../../src/codec/schema.js'
import { FrameFlag, FrameKind, ReplyNote } from '../../src/ring/frame.js'
import type { Incoming } from '../../src/routing/incoming.js'
import type { ReplyOutlet } from '../../src/routing/reply-outlet.js'
import { World } from './world.js'

const Part = message('part', { n: u32, side: oneOf('buy', 'sell'), name: utf8(12) })
const Other = message('part', { n: u32 })
const part = (n: number) => ({ n, side: n % 2 === 0 ? 'buy' : 'sell', name: `part ${n}` })
const COUNTER = 7
const ANSWERED = { incarnation: 1, counter: COUNTER }

/** Thread 0 sends parts to thread 1, where `took` is whoever takes those of the short way. */
class Streamed extends World {
  readonly took: unknown[] = []
  readonly iteration = { push: (value: unknown) => void this.took.push(value) } as Incoming

  constructor() {
    super(2)
    this.thread(1).taker = this.iteration
  }

  send(value: unknown, counter = COUNTER, note: number = ReplyNote.None, of = Part): void {
    const { Reply } = FrameKind
    const { Stream } = FrameFlag
    const { sender } = this.thread(0)
    sender.direct.send(this.thread(0).urgent(1), Reply, Stream, of, value, 1, counter, note)
  }

  /** One that has seen enough parts. */
  outlet(of: Message<any> = Part): ReplyOutlet {
    const { direct } = this.thread(0).sender
    const outlet = direct.outlets.of(of, this.thread(0).urgent(1), true)
    if (outlet === null) throw new Error('no outlet')
    if (outlet.isOpen) return outlet
    this.send(part(0), COUNTER, ReplyNote.None, of)
    this.settle()
    for (let n = 0; n < EMITTER_AFTER_MESSAGES; n++) outlet.learn()
    expect(outlet.isOpen).toBe(true)
    return outlet
  }

  /** What came the long way: counter, note, failed or not, value. */
  get long(): unknown[] {
    return this.thread(1).parts.map(([, , ...rest]) => rest)
  }
}

describe('in', () => {
  test('parts like the one before go to its iteration, and nobody else is asked', () => {
    const world = new Streamed()
    for (let n = 0; n < 4; n++) world.send(part(n))
    world.settle()
    expect(world.long).toEqual([[COUNTER, ReplyNote.None, false, part(0)]])
    expect(world.took).toEqual([part(1), part(2), part(3)])
  })

  test('a part of another stream, of another struct, and an end go the long way', () => {
    const world = new Streamed()
    world.send(part(0))
    world.send(part(1), COUNTER + 1)
    world.settle()
    world.send(part(2))
    world.send({ n: 3 }, COUNTER, ReplyNote.None, Other as never)
    world.settle()
    world.send(part(4))
    world.send(part(5), COUNTER, ReplyNote.Only)
    world.settle()
    expect(world.took).toEqual([])
    expect(world.long).toHaveLength(6)
  })

  test('of another life of the requester is not for this one', () => {
    const world = new Streamed()
    world.send(part(0))
    const { sender } = world.thread(0)
    const { Reply } = FrameKind
    sender.direct.send(
      world.thread(0).urgent(1),
      Reply,
      FrameFlag.Stream,
      Part,
      part(1),
      2,
      COUNTER,
    )
    world.settle()
    expect(world.took).toEqual([])
  })

  test('once the iteration is over, its parts go the long way again', () => {
    const world = new Streamed()
    world.send(part(0))
    world.send(part(1))
    world.settle()
    world.thread(1).taker = null
    world.thread(1).dispatcher.parts.forget(world.iteration)
    world.send(part(2))
    world.send(part(3))
    world.settle()
    expect(world.took).toEqual([part(1)])
    expect(world.long).toHaveLength(3)
  })

  test('what cannot be decoded is not taken but told', () => {
    const world = new Streamed()
    world.send(part(0))
    world.send(part(1))
    const { cursor, data } = world.thread(0).urgent(1).ring
    // The byte of `side`, behind header, correlation, u32 and utf8 with its length.
    const start = data + ((cursor[0] as number) << 3) - 24
    world.region.views.bytes.fill(0xff, start, start + 24)
    world.settle()
    expect(world.took).toEqual([])
    expect(world.thread(1).errors.map(([error]) => error)).toEqual([
      expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' }),
    ])
  })
})

describe('out', () => {
  test('an emitter writes what the long way writes', () => {
    const world = new Streamed()
    const outlet = world.outlet()
    const { ring } = world.thread(0).urgent(1)
    const frameAt = (end: number): number[] => {
      const bytes = ((ring.cursor[0] as number) - end) << 3
      const from = (ring.data + (end << 3)) >>> 2
      return [...world.region.views.i32.slice(from, from + (bytes >>> 2))]
    }
    const before = ring.cursor[0] as number
    world.send(part(5))
    const longWay = frameAt(before)
    const between = ring.cursor[0] as number
    expect(outlet.send(part(5), ANSWERED)).toBe(true)
    expect(frameAt(between)).toEqual(longWay)
  })

  test('without room it writes nothing and keeps the fields, which were read once', () => {
    const world = new Streamed()
    const outlet = world.outlet()
    let reads = 0
    let sent = 0
    const made = (n: number) => ({
      ...part(n),
      get n() {
        reads++
        return n
      },
    })
    while (outlet.send(made(sent), ANSWERED)) sent++
    expect(reads).toBe(sent + 1)
    expect(outlet.takeKept()).toEqual(part(sent))
    const { urgent } = { urgent: world.thread(0).urgent(1) }
    expect(urgent.ring.freeBytesSeen).toBeGreaterThanOrEqual(urgent.reserveBytes)
    world.thread(0).outbox.flush(urgent)
    world.settle()
    expect(world.took.length + world.long.length).toBe(sent + 1)
  })

  test('a part that its getters interrupt by other frames harms none of them', () => {
    const world = new Streamed()
    const outlet = world.outlet()
    const nasty = {
      ...part(1),
      get name() {
        world.send(part(2), COUNTER + 1)
        return 'nasty'
      },
    }
    expect(outlet.send(nasty, ANSWERED)).toBe(true)
    world.thread(0).outbox.flush(world.thread(0).urgent(1))
    world.settle()
    const values = [...world.long.map((one) => (one as unknown[])[3]), ...world.took]
    expect(values).toContainEqual(part(2))
    expect(values).toContainEqual({ ...part(1), name: 'nasty' })
  })

  test('it refuses what the struct refuses, and names the subject of that struct', () => {
    const world = new Streamed()
    const Twin = message('twin', { n: u32, side: oneOf('buy', 'sell'), name: utf8(12) })
    for (const [of, subject] of [[Part, 'part'] as const, [Twin, 'twin'] as const]) {
      const outlet = world.outlet(of)
      expect(() => outlet.send({ ...part(1), n: -1 }, ANSWERED)).toThrow(
        expect.objectContaining({
          code: 'ERR_PAYLOAD_INVALID',
          data: expect.objectContaining({ subject, field: 'n' }),
        }),
      )
    }
  })
})
