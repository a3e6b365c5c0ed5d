// Short ways of struct requests and their replies: held against what a requester has to get.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RequestWatch } from '../../src/agent/request-watch.js'
import { EMITTER_AFTER_MESSAGES } from '../../src/base/limits.js'
import { rpc } from '../../src/codec/message.js'
import { f64, i32 } from '../../src/codec/schema.js'
import { Replies } from '../../src/engine/replies.js'
import type { LocalSubscription } from '../../src/routing/target.js'
import { FakeRequest, World, type Player } from './world.js'

const Twice = rpc('twice', { request: { n: i32, f: f64 }, reply: { n: i32, twice: f64 } })
interface Question {
  readonly n: number
  readonly f: number
}

/** Asks; the counter is `n`. */
function ask(from: Player, n: number, f = n / 2, flushNow = false): FakeRequest {
  const request = new FakeRequest(n)
  from.sender.request(Twice.request, 'twice', { n, f }, 7, request, flushNow)
  return request
}

/** Sends what handlers returned, as the engine does. */
class Answering {
  readonly lost: unknown[] = []
  /** Counters of requests, as they were handled. */
  readonly handled: number[] = []
  readonly #replies: Replies

  constructor(readonly player: Player) {
    const watch = new RequestWatch({ nowMs: () => 0 }, player.outbox.counters)
    this.#replies = new Replies(player.outbox, player.sender, watch, (error) =>
      this.lost.push(error),
    )
  }

  write(): void {
    for (const [ticket, ok, result] of this.player.answered.splice(0)) {
      this.handled.push(ticket.counter)
      this.#replies.write(ticket, Twice.reply, ok, result)
    }
  }
}

const answer = ({ n, f }: Question) => ({ n, twice: f * 2 })

function responder(player: Player): LocalSubscription {
  return player.subscribe('twice', { responder: true, message: Twice.request, handler: answer })
}

/** Lets everything arrive, replies too. */
function settle(world: World, answering: readonly Answering[]): void {
  for (let round = 0; round < 3; round++) {
    world.settle()
    for (const one of answering) one.write()
  }
  world.settle()
}

/** A requester and a responder that have both learnt their short way. */
function warmed() {
  const world = new World(3)
  const [asker, one, other] = [world.thread(0), world.thread(1), world.thread(2)]
  const subscription = responder(one)
  const answering = [one, other].map((player) => new Answering(player))
  // One by one: a message that has to wait shuts the short way.
  for (let n = 1; n <= EMITTER_AFTER_MESSAGES + 6; n++) {
    ask(asker, n)
    settle(world, answering)
  }
  expect(asker.replies.length).toBe(EMITTER_AFTER_MESSAGES + 6)
  asker.replies.length = 0
  return { world, asker, one, other, subscription, answering }
}

const FIRST = 1000

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return (error as { code: string }).code
  }
  return ''
}

test('a request on the short way says who asks, until when, and where its reply goes', () => {
  const { world, asker, one } = warmed()
  const request = ask(asker, FIRST)
  expect([request.thread, request.incarnation]).toEqual([1, 1])
  world.settle()
  const [[ticket] = []] = one.answered
  expect(ticket).toMatchObject({
    ...{ subject: 'twice', thread: 0, agent: 7, incarnation: 1, counter: FIRST, credit: -1 },
    ...{ deadlineMs: 12_345.5, headers: {}, priority: 'normal', tokens: [], isRequest: true },
  })
})

test('a responder that comes to another thread is asked there', () => {
  const { world, asker, one, other, subscription, answering } = warmed()
  one.unsubscribe(subscription)
  expect(codeOf(() => ask(asker, FIRST))).toBe('ERR_NO_RESPONDERS')
  responder(other)
  const requests = Array.from({ length: EMITTER_AFTER_MESSAGES + 2 }, (_, i) =>
    ask(asker, FIRST + i),
  )
  settle(world, answering)
  expect(new Set(requests.map(({ thread }) => thread))).toEqual(new Set([2]))
  expect(asker.replies.map(([, n]) => n)).toEqual(requests.map(({ counter }) => counter))
})

test('a second responder takes its turns, and a plain subscriber sees a copy', () => {
  const { world, asker, one, other, answering } = warmed()
  responder(other)
  one.subscribe('twice', { message: Twice.request })
  for (let n = FIRST; n < FIRST + 10; n++) ask(asker, n)
  world.settle()
  const handled = [one, other].map(({ answered }) => answered.length)
  expect(handled).toEqual([5, 5])
  expect(one.take().length).toBe(10)
  settle(world, answering)
  expect(asker.replies.length).toBe(10)
})

test('requests that were under way to a responder that ended are refused, not handled', () => {
  const { world, asker, one, subscription } = warmed()
  for (let n = FIRST; n < FIRST + 3; n++) ask(asker, n)
  one.unsubscribe(subscription)
  world.settle()
  expect(one.refused.map(([{ counter }]) => counter)).toEqual([FIRST, FIRST + 1, FIRST + 2])
  expect(one.answered).toEqual([])
})

test('a request does not pass by one that waits', () => {
  const { world, asker, subscription, answering } = warmed()
  world.setFull(subscription, true)
  ask(asker, FIRST)
  world.setFull(subscription, false)
  ask(asker, FIRST + 1)
  settle(world, answering)
  expect(asker.replies.map(([, n]) => n)).toEqual([FIRST, FIRST + 1])
})

test('what cannot be encoded throws, and the request has gone nowhere', () => {
  const { world, asker, one } = warmed()
  const request = new FakeRequest(FIRST)
  const wrong = { n: 1, f: 'text' } as unknown as Question
  const bad = (): void => asker.sender.request(Twice.request, 'twice', wrong, 0, request, true)
  expect(codeOf(bad)).toBe('ERR_PAYLOAD_INVALID')
  expect(request.thread).toBe(-1)
  world.settle()
  expect(one.answered).toEqual([])
})

test('a result that is no reply fails its request alone', () => {
  const { world, asker, one, answering } = warmed()
  for (let n = FIRST; n < FIRST + 3; n++) ask(asker, n)
  world.settle()
  const second = one.answered[1] as [unknown, boolean, unknown]
  second[2] = { n: 1.5, twice: 2 }
  settle(world, answering)
  expect(asker.replies.map(([, n, isFailed]) => [n, isFailed])).toEqual([
    [FIRST, false],
    [FIRST + 1, true],
    [FIRST + 2, false],
  ])
  expect(asker.replies[1]?.[3]).toMatchObject({ code: 'ERR_PAYLOAD_INVALID' })
})

test('a getter that publishes in the middle of a request comes before it', () => {
  const { world, asker, one } = warmed()
  one.subscribe('note')
  const value = {
    get n() {
      asker.sender.publish('note', 'before', 0)
      return FIRST
    },
    f: 1,
  }
  asker.sender.request(Twice.request, 'twice', value, 0, new FakeRequest(FIRST), false)
  world.settle()
  expect(one.take()).toEqual(['before'])
  expect(one.answered.map(([{ counter }]) => counter)).toEqual([FIRST])
})

test('a dead responder is not asked on the short way either', () => {
  const { world, asker, one } = warmed()
  one.die()
  const request = new FakeRequest(FIRST)
  const asking = (): void =>
    asker.sender.request(Twice.request, 'twice', { n: 1, f: 1 }, 0, request, false)
  expect(codeOf(asking)).toBe('ERR_NO_RESPONDERS')
  expect(request.thread).toBe(-1)
  world.settle()
  expect(one.answered).toEqual([])
})

test('replies that wait for room are not passed by later ones', () => {
  const { world, asker, one, answering } = warmed()
  const link = one.urgent(0)
  const filler = 'x'.repeat(link.frameBytesMax - 200)
  for (let n = FIRST; n < FIRST + 60; n++) ask(asker, n)
  world.settle()
  const mine = answering[0] as Answering
  expect(one.answered.length).toBe(60)
  // Long failures fill the ring; whatever comes next has to wait, until it has been read.
  one.answered.forEach((answered, i) => {
    if (i >= 30) return
    answered[1] = false
    answered[2] = new Error(filler)
  })
  mine.write()
  expect(one.sender.direct.isWaiting).toBe(true)
  settle(world, answering)
  expect(asker.replies.map(([, n]) => n)).toEqual(Array.from({ length: 60 }, (_, i) => FIRST + i))
})

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...(['ask', 'ask', 'ask', 'ask', 'ask', 'each', 'wrong'] as const),
      ...(['come', 'go', 'listen', 'leave', 'full', 'drain', 'drain', 'settle'] as const),
    ),
    thread: fc.integer({ min: 1, max: 2 }),
    times: fc.integer({ min: 1, max: 40 }),
  }),
  { minLength: 10, maxLength: 120 },
)

test('every request is answered once or refused, whatever comes and goes', () => {
  let short = 0
  fc.assert(
    fc.property(steps, (script) => {
      const world = new World(3, { bulkRingBytes: 8192 })
      const asker = world.thread(0)
      const answering = [1, 2].map((thread) => new Answering(world.thread(thread)))
      const responders: (LocalSubscription | null)[] = [null, null, null]
      const listeners: (LocalSubscription | null)[] = [null, null, null]
      const full = new Set<LocalSubscription>()
      const asked: FakeRequest[] = []
      const heard = [0, 0, 0]
      const due = [0, 0, 0]
      let n = 0
      const hasResponder = (): boolean => responders.some((one) => one !== null)
      const count = (): void => {
        listeners.forEach((listener, thread) => {
          if (listener !== null) due[thread] = (due[thread] as number) + 1
          heard[thread] = (heard[thread] as number) + world.thread(thread).take().length
        })
      }
      const end = (one: LocalSubscription, player: Player): void => {
        if (full.delete(one)) world.setFull(one, false)
        settle(world, answering)
        player.unsubscribe(one)
      }
      // What has to wait goes to those who listen when it is sent.
      const makeRoom = (): void => {
        for (const one of full) world.setFull(one, false)
        full.clear()
        settle(world, answering)
      }
      for (const { what, thread, times } of script) {
        const player = world.thread(thread)
        if (what === 'ask' || what === 'wrong') {
          for (let time = 0; time < times; time++) {
            const request = new FakeRequest(++n)
            const f = what === 'wrong' ? ('no' as unknown as number) : n / 2
            try {
              asker.sender.request(Twice.request, 'twice', { n, f }, 0, request, time === 0)
              expect(what).toBe('ask')
              expect(hasResponder()).toBe(true)
              asked.push(request)
              count()
            } catch (error) {
              const { code } = error as { code: string }
              if (code === 'ERR_BACKPRESSURE') break
              // Which is found first when both are wrong is nobody's business.
              if (what === 'ask')
                expect([code, hasResponder()]).toEqual(['ERR_NO_RESPONDERS', false])
              else expect(['ERR_NO_RESPONDERS', 'ERR_PAYLOAD_INVALID']).toContain(code)
            }
          }
        } else if (what === 'come' && responders[thread] === null) {
          responders[thread] = responder(player)
        } else if (what === 'go' && responders[thread] !== null) {
          const one = responders[thread] as LocalSubscription
          responders[thread] = null
          end(one, player)
        } else if (what === 'listen' && listeners[thread] === null) {
          makeRoom()
          listeners[thread] = player.subscribe('twice', { message: Twice.request })
        } else if (what === 'leave' && listeners[thread] !== null) {
          makeRoom()
          const one = listeners[thread] as LocalSubscription
          end(one, player)
          listeners[thread] = null
          heard[thread] = (heard[thread] as number) + player.take().length
        } else if (what === 'full' && responders[thread] !== null) {
          const one = responders[thread] as LocalSubscription
          if (full.delete(one)) world.setFull(one, false)
          else {
            full.add(one)
            world.setFull(one, true)
          }
        } else if (what === 'drain') {
          asker.outbox.flushAll()
          player.inbox.drain()
          answering[thread - 1]?.write()
        } else if (what === 'settle') settle(world, answering)
      }
      makeRoom()
      settle(world, answering)
      const refused = world.threads.flatMap((player) =>
        player.refused.map(([{ counter }]) => counter),
      )
      const failed = asked.filter(({ error }) => error !== null).map(({ counter }) => counter)
      const answered = asker.replies.map(([, counter, isFailed, value]) => {
        expect(isFailed).toBe(false)
        expect(value).toEqual({ n: counter, twice: counter })
        return counter
      })
      const all = [...answered, ...refused, ...failed].sort((a, b) => a - b)
      expect(all).toEqual(asked.map(({ counter }) => counter))
      for (const thread of [1, 2]) {
        const last = (heard[thread] as number) + world.thread(thread).take().length
        expect(last).toBe(due[thread])
      }
      short += answered.length
      for (const player of world.threads) expect(player.errors).toEqual([])
      for (const { lost, handled } of answering) {
        expect(lost).toEqual([])
        expect(handled).toEqual([...handled].sort((a, b) => a - b))
      }
    }),
    { numRuns: 300 },
  )
  expect(short).toBeGreaterThan(1000)
})
