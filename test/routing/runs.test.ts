// Runs: like structs that lie in a row and are handed over by one call of compiled code.

import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { MessageInfo } from '../../src/agent/info.js'
import { FRAME_HEADER_BYTES, RUN_AFTER_MESSAGES } from '../../src/base/limits.js'
import { CompiledFilter } from '../../src/codec/filter.js'
import { filterText, parseFilter, type Filter } from '../../src/codec/filter-rule.js'
import { message } from '../../src/codec/message.js'
import { f64, i32, oneOf, u8 } from '../../src/codec/schema.js'
import type { StructCodec } from '../../src/codec/struct.js'
import { LINK_TAIL, LINK_TAKEN, Lane } from '../../src/memory/layout.js'
import { World, type Player, type SubscribeHow } from './world.js'

const Tick = message('tick', { n: i32, price: f64, side: oneOf('buy', 'sell') })
// Like it but for the type, and but for the subject.
const Other = message('tick', { n: i32, price: f64, side: oneOf('long', 'short') })
const Far = message('far', { n: i32, price: f64, side: oneOf('buy', 'sell') })

const Lone = message('lone', { n: f64, byte: u8 })

const STRUCT = Tick.struct as StructCodec<unknown>
/** Of a frame. */
const UNITS = (FRAME_HEADER_BYTES + STRUCT.bytes) >>> 3

type Value = { readonly n: number }

const tick = (n: number) => ({ n, price: n / 8, side: n % 2 === 0 ? 'buy' : 'sell' }) as const

/**
 * A sender and a receiver with a subscription that takes runs by now; what it got is forgotten. The
 * sender does not know of `rules`, and sends what they refuse.
 */
function warmed(how: SubscribeHow = {}, rules: Filter | null = null) {
  const world = new World(2)
  const [from, to] = [world.thread(0), world.thread(1)]
  const subscription = to.subscribe('tick', { message: Tick, ...how })
  if (rules !== null) {
    const filter = new CompiledFilter(filterText(parseFilter(rules, 'tick', null)))
    to.dispatcher.remove(subscription)
    to.dispatcher.add({ ...subscription, filter })
  }
  for (let n = 0; n < RUN_AFTER_MESSAGES + 40; n++) {
    from.sender.publish(Tick, tick(n), 0)
    if (n % 16 === 0) world.settle()
  }
  world.settle()
  to.take()
  const calls = vi.spyOn(to.dispatcher, 'onFrame')
  return { world, from, to, subscription, calls }
}

function send(from: Player, first: number, count: number): void {
  for (let n = first; n < first + count; n++) from.sender.publish(Tick, tick(n), 0)
  from.outbox.flushAll()
}

/** Makes nonsense of the side of the frame that is so many behind what was sent until now. */
function spoilerOf({ region }: World): (frames: number) => void {
  const { layout, views } = region
  const tail = views.i32[(layout.laneWords(0, 1, Lane.Bulk) + LINK_TAIL) >>> 2] as number
  return (frames) => {
    const index = (tail + frames * UNITS) & ((layout.ringBytes(Lane.Bulk) >>> 3) - 1)
    const side = FRAME_HEADER_BYTES + (STRUCT.offsets[2] as number)
    views.bytes[layout.ring(0, 1, Lane.Bulk) + (index << 3) + side] = 77
  }
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

test('what lies in a row is handed over by one call, whole and in order', () => {
  const { from, to, calls } = warmed()
  send(from, 0, 20)
  to.inbox.drain()
  expect(to.take()).toEqual(numbers(0, 20).map(tick))
  expect(calls.mock.calls.length).toBeLessThanOrEqual(2) // Two where the ring's end lay between.
})

test('runs end where the ring ends and at any other message, and nobody notices', () => {
  const kinds = fc.constantFrom('tick', 'tick', 'tick', 'agent', 'other', 'far', 'loose', 'drain')
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 200 }), (script) => {
      const { from, to, world } = warmed({ message: undefined as never })
      to.subscribe('far')
      const wanted: unknown[] = []
      script.forEach((kind, n) => {
        if (kind === 'drain') return world.settle()
        const agent = kind === 'agent' ? 7 : 0
        let value: object = tick(n)
        if (kind === 'tick' || kind === 'agent') from.sender.publish(Tick, value, agent)
        else if (kind === 'far') from.sender.publish(Far, value, 0)
        else if (kind === 'loose') from.sender.publish('tick', (value = { n }), 0)
        else from.sender.publish(Other, (value = { ...value, side: 'long' }), 0)
        wanted.push([kind === 'far' ? 'far' : 'tick', agent, value])
      })
      world.settle()
      const got = to.got.map(({ subject, agent, value }) => [subject, agent, value])
      expect(got).toEqual(wanted)
      expect(to.errors).toEqual([])
    }),
    { numRuns: 60 },
  )
})

test('`taken` is past each message before its handler is called', () => {
  let look: () => number = () => 0
  const taken: number[] = []
  const { world, from, to } = warmed({ handler: () => void taken.push(look()) })
  const { layout, views } = world.region
  const index = (layout.laneWords(0, 1, Lane.Bulk) + LINK_TAKEN) >>> 2
  look = () => views.i32[index] as number
  taken.length = 0
  send(from, 0, 20)
  to.inbox.drain()
  expect(taken).toHaveLength(20)
  const gaps = new Set(taken.map((end, i) => end - (taken[0] as number) - i * UNITS))
  // Two where the ring's end lay between.
  expect(gaps.size).toBeLessThanOrEqual(2)
  expect(gaps).toContain(0)
})

test('no more is handled than a drain may', () => {
  const { from, to } = warmed()
  send(from, 0, 20)
  to.inbox.drain(3)
  expect(to.take()).toEqual([0, 1, 2].map(tick))
  to.inbox.drain(1)
  expect(to.take()).toEqual([tick(3)])
  to.inbox.drain()
  expect(to.take()).toEqual(numbers(4, 16).map(tick))
})

test('a handler that throws is reported with its subject, and the next message is handled', () => {
  const handled: number[] = []
  const handler = ({ n }: Value) => {
    if (n === 1003 || n === 1007) throw new Error(`no ${n}`)
    handled.push(n)
  }
  const { from, to, calls } = warmed({ handler })
  handled.length = 0
  send(from, 1000, 10)
  to.inbox.drain()
  expect(handled).toEqual([1000, 1001, 1002, 1004, 1005, 1006, 1008, 1009])
  expect(to.errors).toEqual([
    [new Error('no 1003'), 'tick'],
    [new Error('no 1007'), 'tick'],
  ])
  expect(calls.mock.calls.length).toBeLessThanOrEqual(2)
})

test('a message that its struct cannot have written is reported, and only that one', () => {
  const { world, from, to } = warmed()
  const spoil = spoilerOf(world)
  send(from, 0, 10)
  spoil(4)
  to.inbox.drain()
  expect(to.take()).toEqual(
    numbers(0, 10)
      .map(tick)
      .filter(({ n }) => n !== 4),
  )
  expect(to.errors).toEqual([[expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' }), 'tick']])
})

test('what an asynchronous handler cannot take yet waits in line, in order', async () => {
  const begun: number[] = []
  let go: () => void = () => {}
  const handler = ({ n }: Value) => {
    if (n < 1000) return undefined
    begun.push(n)
    return new Promise<void>((resolve) => (go = resolve))
  }
  const { from, to } = warmed({ handler })
  send(from, 1000, 5)
  to.inbox.drain()
  for (let count = 1; count <= 5; count++) {
    expect(begun).toEqual(numbers(1000, count))
    go()
    await new Promise(setImmediate)
  }
  expect(begun).toEqual(numbers(1000, 5))
})

test.each([
  ['in the run', { n: { in: [1, 4, 5, 6, 13] }, side: 'buy' }, true],
  [
    'before each message',
    { n: { in: [1, 4, 5, 6, 13] }, or: [{ side: 'buy' }, { headers: { x: 'y' } }] },
    false,
  ],
])('a filter is asked of each message, %s', (_, rules, isRun) => {
  for (const lazy of [false, true]) {
    const handled: unknown[] = []
    const handler = (value: Value & { toJSON(): unknown }) => {
      handled.push(lazy ? value.toJSON() : value)
    }
    const { from, to, calls } = warmed({ handler: handler as never, lazy }, rules as Filter)
    handled.length = 0
    send(from, 0, 20)
    to.inbox.drain()
    expect(handled).toEqual([4, 6].map(tick))
    expect(to.errors).toEqual([])
    expect(calls.mock.calls.length <= 2).toBe(isRun)
  }
})

test('what a filter cannot read is reported, and only that one', () => {
  for (const lazy of [false, true]) {
    const handled: number[] = []
    const handler = ({ n }: Value) => void handled.push(n)
    const { world, from, to } = warmed({ handler: handler as never, lazy }, { side: 'buy' })
    const spoil = spoilerOf(world)
    handled.length = 0
    send(from, 0, 10)
    spoil(4)
    to.inbox.drain()
    expect(handled).toEqual([0, 2, 6, 8])
    expect(to.errors).toEqual([[expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' }), 'tick']])
  }
})

test('a view ends, too, with a message that the filter could not read', () => {
  const kept: Value[] = []
  const handler = (view: Value) => void kept.push(view)
  const rules = { or: [{ side: 'buy' }, { headers: { x: 'y' } }] }
  const { world, from, to } = warmed({ handler: handler as never, lazy: true }, rules)
  const spoil = spoilerOf(world)
  send(from, 0, 1)
  spoil(0)
  to.inbox.drain()
  expect(to.errors).toHaveLength(1)
  expect(() => kept[0]?.n).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
})

test('a handler that ends its subscription gets no more, and whoever came gets the rest', () => {
  const handled: number[] = []
  const handler = ({ n }: Value) => {
    handled.push(n)
    if (n === 1002) to.subscribe('tick', { message: Tick })
    if (n === 1004) to.unsubscribe(subscription)
  }
  const { from, to, subscription } = warmed({ handler: (value) => handler(value) })
  handled.length = 0
  send(from, 1000, 10)
  to.inbox.drain()
  expect(handled).toEqual([1000, 1001, 1002, 1003, 1004])
  expect(to.take()).toEqual(numbers(1003, 7).map(tick))
})

test('a lazy handler gets a view of each message, which ends with its call', () => {
  const views: Value[] = []
  const values: unknown[] = []
  const handler = (view: Value & { toJSON(): unknown }) => {
    for (const old of views.splice(0)) {
      expect(old).toBe(view) // The one view, which now shows this message.
    }
    views.push(view)
    values.push(view.toJSON())
    if (view.n === 1002) throw new Error('no 1002')
  }
  const { from, to, calls } = warmed({ handler: handler as never, lazy: true })
  values.length = 0
  send(from, 1000, 5)
  to.inbox.drain()
  expect(values).toEqual(numbers(1000, 5).map(tick))
  expect(to.errors).toEqual([[new Error('no 1002'), 'tick']])
  expect(calls.mock.calls.length).toBeLessThanOrEqual(2)
  expect(() => views[0]?.n).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
})

test('a view ends with its call also before there are runs', () => {
  const world = new World(2)
  const views: Value[] = []
  world.thread(1).subscribe('tick', {
    message: Tick,
    lazy: true,
    handler: (view: Value) => void views.push(view),
  })
  send(world.thread(0), 0, 3)
  world.settle()
  expect(views).toHaveLength(3)
  for (const view of views) {
    expect(() => view.n).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
  }
})

test('what lies beyond 2 GiB is read as anything else', () => {
  // Untouched pages of it cost nothing.
  const ringBytes = 64 * 1024 * 1024
  const world = new World(5, { bulkRingBytes: ringBytes, urgentRingBytes: ringBytes / 2 })
  expect(world.region.layout.ring(4, 4, Lane.Bulk)).toBeGreaterThan(2 ** 31)
  const last = world.thread(4)
  last.subscribe('lone', { message: Lone })
  const wanted = numbers(0, RUN_AFTER_MESSAGES + 100).map((n) => ({ n, byte: n & 0xff }))
  const calls = vi.spyOn(last.dispatcher, 'onFrame')
  for (const value of wanted) last.sender.publish(Lone, value, 0)
  world.settle()
  expect(last.errors).toEqual([])
  expect(last.take()).toEqual(wanted)
  expect(calls.mock.calls.length).toBeLessThan(RUN_AFTER_MESSAGES + 20)
})

test('the info of each message holds until its handler returns', () => {
  const infos: MessageInfo[] = []
  const facts: unknown[] = []
  const { from, to } = warmed({
    handler: ({ n }: Value, info: MessageInfo) => {
      if (n < 1000) return
      infos.push(info)
      facts.push([info.subject, info.thread, info.agent, info.isRequest])
    },
  })
  send(from, 1000, 3)
  to.inbox.drain()
  expect(facts).toEqual(numbers(0, 3).map(() => ['tick', 0, 0, false]))
  for (const info of infos) {
    expect(() => info.subject).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
  }
})
