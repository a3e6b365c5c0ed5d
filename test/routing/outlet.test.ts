// Ways of their own for struct messages: held against what a subscriber has to get.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EMITTER_AFTER_MESSAGES } from '../../src/base/limits.js'
import type { MessageInfo } from '../../src/agent/info.js'
import { message, object, type Message } from '../../src/codec/message.js'
import { ascii, bytes, f64, i32, utf8, type Infer } from '../../src/codec/schema.js'
import type { LocalSubscription } from '../../src/routing/target.js'
import { World, type Player } from './world.js'

const fields = { n: i32 }

/** Publishes so often that the message has an emitter. */
function warm(world: World, from: Player, tick: Message<{ n: number }>): void {
  for (let n = 0; n < EMITTER_AFTER_MESSAGES + 2; n++) from.sender.publish(tick, { n: -1 }, 0)
  world.settle()
  for (const thread of world.threads) thread.take()
}

test('two messages on one subject follow its subscriber to another thread', () => {
  const world = new World(3)
  const sender = world.thread(0)
  const one = message('tick', fields)
  const other = message('tick', fields)
  const first = world.thread(1).subscribe('tick')
  warm(world, sender, one)
  world.thread(1).unsubscribe(first)
  world.thread(2).subscribe('tick')
  warm(world, sender, other)
  sender.sender.publish(one, { n: 1 }, 0)
  sender.sender.publish(other, { n: 2 }, 0)
  world.settle()
  expect(world.thread(1).take()).toEqual([])
  expect(world.thread(2).take()).toEqual([{ n: 1 }, { n: 2 }])
})

const Mixed = { n: i32, f: f64, text: utf8(20), code: ascii(3), block: bytes(9) }
type Mixed = Infer<typeof Mixed>

const PUBLISHES = Array.from({ length: 8 }, () => 'publish' as const)
const BOUND = Array.from({ length: 4 }, () => 'bound' as const)
const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...PUBLISHES,
      ...BOUND,
      ...([
        'object',
        'typed object',
        'typed object',
        'nested',
        'refused',
        'try',
        'subscribe',
        'unsubscribe',
        'full',
      ] as const),
      ...(['drain', 'drain', 'settle'] as const),
    ),
    which: fc.nat(3),
    thread: fc.nat(2),
    times: fc.integer({ min: 1, max: 40 }),
    f: fc.double(),
    text: fc.constantFrom('', 'x', 'ä€', '😀', 'x'.repeat(20)),
    code: fc.constantFrom('', 'A', 'AB', 'ABC'),
    block: fc.uint8Array({ maxLength: 9 }),
  }),
  { minLength: 20, maxLength: 150 },
)

type Steps = typeof steps extends fc.Arbitrary<infer S> ? S : never

interface Listener {
  readonly subscription: LocalSubscription
  readonly subject: string
  /** How many messages of its subject had been published when it came. */
  readonly from: number
  readonly got: { n: number }[]
  isFull: boolean
}

/** Plays `drawn` on a small world and holds every listener against what was published. */
function play(drawn: Steps): void {
  const world = new World(3, { bulkRingBytes: 1024 })
  const { sender, outbox } = world.thread(0)
  const messages = ['a', 'a', 'b', 'b'].map((subject) => message(subject, Mixed))
  const objects = ['a', 'b'].map((subject) => message(subject, object<unknown>()))
  const { publishers } = world.thread(0)
  const bound = messages.map((one) => publishers.of(one, ['code', 'f', 'n', 'block', 'text'], 5))
  const sent: Record<string, { n: number }[]> = { a: [], b: [] }
  const live: Listener[] = []
  const gone: Listener[] = []
  let n = 0

  const publish = (
    target: Message<Mixed> | string,
    value: { n: number },
    plain = value,
    how: 'publish' | 'tryPublish' | 'bound' = 'publish',
  ): void => {
    const subject = typeof target === 'string' ? target : target.subject
    try {
      const isAccepted =
        how === 'bound'
          ? publishBound(target as Message<Mixed>, value as Mixed)
          : sender[how](target as string, value, 5)
      if (how !== 'tryPublish' || isAccepted) sent[subject]?.push(plain)
    } catch (error) {
      expect(error).toEqual(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    }
  }

  const publishBound = (target: Message<Mixed>, { code, f, n, block, text }: Mixed): boolean => {
    const publisher = bound[messages.indexOf(target)] as (...fields: unknown[]) => boolean
    return publisher(code, f, n, block, text)
  }

  for (const { what, which, thread, times, ...rest } of drawn) {
    const target = messages[which] as Message<Mixed>
    const { subject } = target
    const value = (): Mixed => ({ n: ++n, ...rest })
    const listener = live[thread]
    for (let k = 0; k < times; k++) {
      if (what === 'publish') publish(target, value())
      else if (what === 'bound') {
        const plain = value()
        publish(target, plain, plain, 'bound')
      } else if (what === 'object' || what === 'typed object') {
        const isTyped = what !== 'object'
        const plain = { ...value(), block: isTyped && k % 7 === 6 ? [k] : k }
        // Objects without a schema do not keep -0.
        const arrives = { ...plain, f: plain.f + 0 } as { n: number }
        publish(isTyped ? (objects[which >> 1] as never) : subject, plain, arrives)
      } else if (what === 'try') {
        const plain = value()
        publish(target, plain, plain, 'tryPublish')
      } else if (what === 'nested') {
        const plain = value()
        const inner = messages[(which + k) % 4] as Message<Mixed>
        const get = (): string => {
          publish(inner, value())
          return rest.text
        }
        publish(target, Object.defineProperty({ ...plain }, 'text', { get }), plain)
      } else if (what === 'refused') {
        const wrong = { ...value(), code: 'long' }
        expect(() => sender.publish(target, wrong, 5)).toThrow('code')
        expect(() => publishBound(target, wrong)).toThrow('code')
      }
    }
    if (what === 'subscribe' && live.length < 3) {
      const got: { n: number }[] = []
      const handler = (message: { n: number }, info: MessageInfo): void => {
        expect([info.subject, info.thread, info.agent]).toEqual([subject, 0, 5])
        got.push(message)
      }
      const subscription = world.thread(thread).subscribe(subject, { handler })
      const from = sent[subject]?.length ?? 0
      live.push({ subscription, subject, from, got, isFull: false })
    } else if (what === 'unsubscribe' && listener !== undefined) {
      if (listener.isFull) world.setFull(listener.subscription, false)
      world.thread(listener.subscription.entry.thread).unsubscribe(listener.subscription)
      gone.push(...live.splice(thread, 1))
    } else if (what === 'full' && listener !== undefined) {
      world.setFull(listener.subscription, (listener.isFull = !listener.isFull))
    } else if (what === 'drain') {
      outbox.flushAll()
      world.thread(thread).inbox.drain()
    } else if (what === 'settle') world.settle()
  }
  for (const { isFull, subscription } of live) if (isFull) world.setFull(subscription, false)
  for (let round = 0; round < 2; round++) {
    sender.retry()
    world.settle()
  }
  for (const { errors } of world.threads) expect(errors).toEqual([])
  for (const { subject, from, got } of [...live, ...gone]) {
    const all = sent[subject] as { n: number }[]
    // What was under way when it came may come, too: some of that, first and in order.
    const early = new Set(all.slice(0, from).map(({ n }) => n))
    const first = got.findIndex(({ n }) => !early.has(n))
    const before = first < 0 ? got : got.slice(0, first)
    const late = got.slice(before.length)
    const wanted = new Set(before.map(({ n }) => n))
    expect(before).toEqual(all.filter(({ n }) => wanted.has(n)))
    expect(late).toEqual(all.slice(from, from + late.length))
  }
  for (const { subject, from, got } of live) {
    const late = sent[subject]?.slice(from) ?? []
    expect(got.slice(got.length - late.length)).toEqual(late)
  }
}

test('whatever way they take, messages arrive once, in order and whole', () => {
  // Each run makes a few emitters, and a thread does not get any number of them.
  fc.assert(fc.property(steps, play), { numRuns: 60 })
})
