// The protocol of work queues in shared memory, by the step: what a thread leaves behind when it
// dies between any two atomic operations, and what another may do there.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JobKind } from '../../src/ring/queue-layout.js'
import { Killed, QueueWorld, stepped, type Claim, type QueueThread } from './queue-world.js'

const jobsOf = (claims: Claim[]): number[] => claims.map(({ job }) => job)

/** Handles everything there is, whatever the wait; returns what was acknowledged, in order. */
function drain(world: QueueWorld, thread: QueueThread): { acked: number[]; dead: number[] } {
  const acked: number[] = []
  const dead: number[] = []
  for (let idle = 0; idle < 3;) {
    const claims = thread.claim(4)
    for (const claim of claims) if (thread.ack(claim)) acked.push(claim.job)
    dead.push(...thread.bury())
    if (claims.length > 0) idle = 0
    else {
      idle++
      world.nowMs += 2000
    }
  }
  return { acked, dead }
}

describe('claim and acknowledge', () => {
  test('jobs of one thread come in the order in which they were added', () => {
    const world = new QueueWorld()
    const [producer, consumer] = [world.open(0), world.open(1)]
    for (let job = 1; job <= 5; job++) expect(producer.add(job)).toBe(true)
    expect(jobsOf(consumer.claim(3))).toEqual([1, 2, 3])
    expect(jobsOf(consumer.claim(9))).toEqual([4, 5])
    expect(consumer.claim(9)).toEqual([])
  })

  test('a job that was put down is nobody’s before it was published', () => {
    const world = new QueueWorld()
    const [producer, consumer] = [world.open(0), world.open(1)]
    producer.put(1)
    expect(consumer.claim()).toEqual([])
    producer.writer.publish()
    expect(jobsOf(consumer.claim())).toEqual([1])
  })

  test('a lane takes as many jobs as it has slots, and goes on with those that came free', () => {
    const world = new QueueWorld({ capacity: 4 })
    const [producer, consumer] = [world.open(0), world.open(1)]
    for (let job = 1; job <= 4; job++) expect(producer.add(job)).toBe(true)
    expect(producer.add(5)).toBe(false)
    const [first, second] = consumer.claim(2) as [Claim, Claim]
    expect(producer.add(5)).toBe(false)
    consumer.ack(second)
    expect(producer.add(5)).toBe(true)
    expect(producer.add(6)).toBe(false)
    consumer.ack(first)
    expect(producer.add(6)).toBe(true)
    expect(jobsOf(consumer.claim(9))).toEqual([3, 4, 5, 6])
  })

  test('a slot that is held for long is no obstacle to the others', () => {
    const world = new QueueWorld({ capacity: 4 })
    const [producer, consumer] = [world.open(0), world.open(1)]
    producer.add(1)
    const [held] = consumer.claim() as [Claim]
    for (let job = 2; job < 40_000; job++) {
      expect(producer.add(job)).toBe(true)
      const [claim] = consumer.claim() as [Claim]
      expect(claim.job).toBe(job)
      consumer.ack(claim)
      world.nowMs += 0.01
    }
    expect(consumer.ack(held)).toBe(true)
  })

  test('each job goes to one of two consumers', () => {
    const world = new QueueWorld()
    const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
    for (let job = 1; job <= 6; job++) producer.add(job)
    expect(jobsOf(one.claim(2))).toEqual([1, 2])
    expect(jobsOf(two.claim(2))).toEqual([3, 4])
    expect(jobsOf(one.claim(2))).toEqual([5, 6])
  })

  test('what was given back comes again after its wait, with the next attempt', () => {
    const world = new QueueWorld()
    const [producer, consumer] = [world.open(0), world.open(1)]
    producer.add(1)
    const [first] = consumer.claim() as [Claim]
    expect(consumer.nak(first, 50)).toBe(true)
    expect(consumer.claim()).toEqual([])
    world.nowMs += 49
    expect(consumer.claim()).toEqual([])
    world.nowMs += 1
    const [second] = consumer.claim() as [Claim]
    expect([second.job, second.attempt]).toEqual([1, 2])
    expect(consumer.ack(first)).toBe(false)
    expect(consumer.nak(first)).toBe(false)
    expect(consumer.ack(second)).toBe(true)
    expect(consumer.ack(second)).toBe(false)
    expect(consumer.kinds()).toEqual([])
  })

  test('a claim that is not settled in time goes to another, and the late one is refused', () => {
    const world = new QueueWorld()
    const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
    producer.add(1)
    const [late] = one.claim() as [Claim]
    world.nowMs += 999
    expect(one.ledger.extend(late.lane, late.slot, late.word, world.nowMs)).toBe(true)
    world.nowMs += 999
    expect(two.claim()).toEqual([])
    world.nowMs += 2
    expect(two.claim()).toEqual([])
    world.nowMs += 10
    const [again] = two.claim() as [Claim]
    expect(again.attempt).toBe(2)
    expect(one.ack(late)).toBe(false)
    expect(one.ledger.extend(late.lane, late.slot, late.word, world.nowMs)).toBe(false)
    expect(two.ack(again)).toBe(true)
  })

  test('a job whose attempts are spent is dead, and buried once', () => {
    const world = new QueueWorld({ rules: { maxDeliver: 2 } })
    const [producer, consumer, other] = [world.open(0), world.open(1), world.open(2)]
    producer.add(1)
    for (const attempt of [1, 2]) {
      const [claim] = consumer.claim() as [Claim]
      expect(claim.attempt).toBe(attempt)
      consumer.nak(claim)
    }
    expect(consumer.claim()).toEqual([])
    expect(consumer.claims.hasDead).toBe(true)
    expect(other.bury()).toEqual([1])
    expect(consumer.bury()).toEqual([])
    expect(consumer.kinds()).toEqual([])
  })

  test('a job for later is claimed when its time has come, and no sooner', () => {
    const world = new QueueWorld()
    const [producer, consumer] = [world.open(0), world.open(1)]
    producer.add(1, { dueMs: world.nowMs + 100 })
    producer.add(2)
    expect(jobsOf(consumer.claim(9))).toEqual([2])
    world.nowMs += 99.5
    expect(consumer.claim(9)).toEqual([])
    world.nowMs += 0.5
    expect(jobsOf(consumer.claim(9))).toEqual([1])
  })

  test('purge drops what nobody has claimed, and nothing else', () => {
    const world = new QueueWorld()
    const [producer, consumer] = [world.open(0), world.open(1)]
    for (let job = 1; job <= 4; job++) producer.add(job)
    producer.add(5, { dueMs: world.nowMs + 100 })
    const [claim] = consumer.claim() as [Claim]
    expect(consumer.ledger.count()).toEqual({ ready: 3, waiting: 1, claimed: 1, dead: 0 })
    expect(producer.ledger.purge()).toBe(4)
    expect(consumer.claim(9)).toEqual([])
    expect(consumer.ack(claim)).toBe(true)
    producer.add(6)
    expect(jobsOf(consumer.claim(9))).toEqual([6])
  })
})

describe('priorities', () => {
  test('the more urgent level goes first', () => {
    const world = new QueueWorld()
    const [producer, consumer] = [world.open(0), world.open(1)]
    for (const level of [4, 3, 2, 1, 0]) producer.add(level, { level })
    expect(jobsOf(consumer.claim(9))).toEqual([0, 1, 2, 3, 4])
  })

  test('no level waits for ever: one job after every 16 of those above it', () => {
    const world = new QueueWorld({ capacity: 256 })
    const [producer, consumer] = [world.open(0), world.open(1)]
    producer.add(-1, { level: 4 })
    let claimed = 0
    for (let job = 0; job < 200; job++) {
      producer.add(job, { level: 0 })
      producer.add(job, { level: 0 })
      const [claim] = consumer.claim() as [Claim]
      claimed++
      consumer.ack(claim)
      if (claim.job === -1) break
    }
    expect(claimed).toBe(17)
  })
})

describe('order by key', () => {
  const ordered = (): QueueWorld => new QueueWorld({ isOrdered: true })

  test('of one key one job is under way, and the next comes after it', () => {
    const world = ordered()
    const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
    for (const job of [1, 2, 3]) producer.add(job, { key: 7 })
    producer.add(4, { key: 8 })
    producer.add(5)
    const [first, other, free] = one.claim(9) as [Claim, Claim, Claim]
    expect([first.job, other.job, free.job]).toEqual([1, 4, 5])
    expect(two.claim(9)).toEqual([])
    one.nak(first, 20)
    expect(two.claim(9)).toEqual([])
    world.nowMs += 20
    const [again] = two.claim(9) as [Claim]
    expect([again.job, again.attempt]).toEqual([1, 2])
    two.ack(again)
    expect(jobsOf(one.claim(9))).toEqual([2])
  })

  test('it holds between lanes as well', () => {
    const world = ordered()
    const [one, two, consumer] = [world.open(0), world.open(1), world.open(2)]
    one.add(1, { key: 7 })
    two.add(2, { key: 7 })
    const [claim] = consumer.claim(9) as [Claim]
    expect(consumer.claim(9)).toEqual([])
    consumer.ack(claim)
    expect(consumer.claim(9)).toHaveLength(1)
  })
})

describe('deaths', () => {
  test('what a dead thread had claimed comes back, what it had not published never was', () => {
    const world = new QueueWorld()
    const [producer, victim, other] = [world.open(0), world.open(1), world.open(2)]
    producer.add(1)
    victim.add(2)
    victim.put(3)
    expect(jobsOf(victim.claim(9)).sort()).toEqual([1, 2])
    world.die(1)
    other.repair()
    world.nowMs += 10
    const again = other.claim(9)
    expect(jobsOf(again).sort()).toEqual([1, 2])
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2])
    for (const claim of again) other.ack(claim)
    const successor = world.open(1)
    expect(successor.kinds()).toEqual([])
    for (let job = 10; job < 18; job++) expect(successor.add(job)).toBe(true)
    expect(jobsOf(other.claim(9))).toEqual([10, 11, 12, 13, 14, 15, 16, 17])
  })

  test('a successor that opens the queue finds what bears its number', () => {
    const world = new QueueWorld()
    const [producer, victim] = [world.open(0), world.open(1)]
    producer.add(1)
    victim.claim()
    world.die(1)
    const successor = world.open(1)
    world.nowMs += 10
    const [claim] = successor.claim() as [Claim]
    expect(claim.attempt).toBe(2)
    expect(victim.ack(claim)).toBe(true)
  })

  test('a successor that never opens the queue holds nothing up', () => {
    const world = new QueueWorld()
    const [producer, victim] = [world.open(0), world.open(1)]
    producer.add(1)
    victim.claim()
    world.lives[1] = 2
    producer.repair()
    world.nowMs += 10
    expect(jobsOf(producer.claim())).toEqual([1])
  })

  /** A life in which everything happens that a thread does with a queue. */
  function live(world: QueueWorld, victim: QueueThread, isOrdered: boolean): void {
    const key = isOrdered ? 5 : 0
    victim.signals.setIdle()
    for (const claim of victim.claim(2)) {
      if (claim.job % 3 === 0) victim.nak(claim)
      else if (claim.job % 3 === 1) victim.ack(claim)
    }
    victim.add(101, { key })
    victim.put(102, { key, level: 1 })
    victim.writer.publish()
    victim.put(103, { dueMs: world.nowMs + 5 })
    world.nowMs += 1100
    victim.claim(3)
    world.nowMs += 1100
    for (const claim of victim.claim(3)) victim.nak(claim)
    victim.bury()
    victim.signals.clearIdle()
    victim.signals.takeWaiting()
  }

  test.each([false, true])('between any two steps: nothing is lost (ordered: %s)', (isOrdered) => {
    let isDone = false
    for (let last = 0; !isDone; last++) {
      const world = new QueueWorld({ isOrdered, rules: { maxDeliver: 3 } })
      const [producer, survivor] = [world.open(0), world.open(2)]
      world.addLane(1)
      for (let job = 1; job <= 6; job++) producer.add(job, { key: isOrdered ? 5 : 0 })
      const handled: number[] = []
      const accepted = new Set([1, 2, 3, 4, 5, 6])
      try {
        stepped(
          (step) => {
            if (step === last) throw new Killed()
          },
          () => {
            const victim = world.open(1)
            const { ack, add } = victim
            victim.ack = (claim) => {
              handled.push(claim.job)
              return ack.call(victim, claim)
            }
            victim.add = (job, options) => {
              const isAdded = add.call(victim, job, options)
              if (isAdded) accepted.add(job)
              return isAdded
            }
            const { bury } = victim
            victim.bury = () => {
              const jobs = bury.call(victim)
              handled.push(...jobs)
              return jobs
            }
            live(world, victim, isOrdered)
            accepted.add(102).add(103)
          },
        )
        isDone = true
      } catch (error) {
        if (!(error instanceof Killed)) throw error
      }
      world.die(1)
      survivor.repair()
      const { acked, dead } = drain(world, survivor)
      const successor = world.open(1)
      expect(successor.kinds(), `after step ${last}`).toEqual([])
      handled.push(...acked, ...dead)
      const lost = [...accepted].filter((job) => !handled.includes(job))
      // What it buried last may have been the dying thread's own.
      expect(
        lost.filter((job) => job < 101 || isDone),
        `after step ${last}`,
      ).toEqual([])
      for (let job = 0; job < world.geometry.capacity; job++) {
        expect(successor.add(job), `slot ${job} after step ${last}`).toBe(true)
      }
      expect(survivor.claim(99)).toHaveLength(isOrdered ? 8 : 8)
    }
  })
})

describe('between any two steps of one thread another does its work', () => {
  test.each([false, true])('each job is claimed once (ordered: %s)', (isOrdered) => {
    let isDone = false
    for (let at = 0; !isDone; at++) {
      const world = new QueueWorld({ isOrdered })
      const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
      const key = isOrdered ? 5 : 0
      for (let job = 1; job <= 5; job++) producer.add(job, { key: job === 4 ? 6 * key : key })
      const claims: Claim[] = []
      const work = (thread: QueueThread): void => {
        for (let n = 0; n < 2; n++) {
          const got = thread.claim(2)
          claims.push(...got)
          for (const claim of got) thread.ack(claim)
        }
      }
      let isRun = false
      stepped(
        (step) => {
          if (step !== at) return
          isRun = true
          work(two)
          producer.add(6, { key })
        },
        () => work(one),
      )
      isDone = !isRun
      const { acked } = drain(world, two)
      const all = [...jobsOf(claims), ...acked].sort()
      expect(all, `at step ${at}`).toEqual(isRun ? [1, 2, 3, 4, 5, 6] : [1, 2, 3, 4, 5])
      expect(one.kinds()).toEqual([])
    }
  })

  test('of one key never two are under way, nor out of order', () => {
    let isDone = false
    for (let at = 0; !isDone; at++) {
      const world = new QueueWorld({ isOrdered: true })
      const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
      for (let job = 1; job <= 4; job++) producer.add(job, { key: 5 })
      const begun: number[] = []
      let underWay = 0
      const begin = (thread: QueueThread): Claim[] => {
        const got = thread.claim(4)
        underWay += got.length
        begun.push(...jobsOf(got))
        return got
      }
      const [first] = begin(one) as [Claim]
      let isRun = false
      stepped(
        (step) => {
          if (step !== at) return
          isRun = true
          for (const claim of begin(two)) {
            expect(underWay, `at step ${at}`).toBeLessThanOrEqual(2)
            two.ack(claim)
            underWay--
          }
        },
        () => {
          one.ack(first)
          underWay--
          const got = begin(one)
          expect(got.length, `at step ${at}`).toBeLessThanOrEqual(1)
          for (const claim of got) one.ack(claim)
        },
      )
      isDone = !isRun
      const { acked } = drain(world, two)
      const order = [...begun, ...acked]
      expect([...order].sort()).toEqual([1, 2, 3, 4])
      expect(order, `at step ${at}`).toEqual([1, 2, 3, 4])
    }
  })
})

test('whatever four threads do, and whoever dies, every job is handled, with its attempts', () => {
  const action = fc.record({
    thread: fc.nat(3),
    what: fc.constantFrom(
      'add',
      'add',
      'add',
      'claim',
      'claim',
      'ack',
      'ack',
      'nak',
      'die',
      'wait',
    ),
    pick: fc.nat(7),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), fc.boolean(), (actions, isOrdered) => {
      const world = new QueueWorld({ isOrdered, rules: { maxDeliver: 200 } })
      const threads = [0, 1, 2, 3].map((thread) => world.open(thread))
      const held: Claim[][] = [[], [], [], []]
      const open = new Map<number, number>()
      let next = 1
      for (const { thread, what, pick } of actions) {
        const self = threads[thread] as QueueThread
        const own = held[thread] as Claim[]
        if (what === 'add' && self.add(next, { key: isOrdered ? pick : 0, level: pick % 5 })) {
          open.set(next++, 0)
        } else if (what === 'claim') {
          for (const claim of self.claim(1 + (pick % 3))) {
            expect(open.has(claim.job)).toBe(true)
            expect(claim.attempt).toBe((open.get(claim.job) as number) + 1)
            open.set(claim.job, claim.attempt)
            own.push(claim)
          }
        } else if (what === 'ack' || what === 'nak') {
          const [claim] = own.splice(pick, 1)
          if (claim === undefined) continue
          const isLatest = open.get(claim.job) === claim.attempt
          const isDone = what === 'ack' ? self.ack(claim) : self.nak(claim, pick)
          if (isDone && what === 'ack') expect(open.delete(claim.job)).toBe(true)
          if (!isLatest) expect(isDone).toBe(false)
        } else if (what === 'die') {
          world.die(thread)
          own.length = 0
          if (pick % 2 === 0) for (const other of threads) if (other !== self) other.repair()
          threads[thread] = world.open(thread)
        } else if (what === 'wait') world.nowMs += pick * 200
      }
      const last = threads[0] as QueueThread
      for (let thread = 1; thread < 4; thread++) world.die(thread)
      held.forEach((claims) => (claims.length = 0))
      last.repair()
      const { acked, dead } = drain(world, last)
      expect(dead).toEqual([])
      expect(acked.sort((a, b) => a - b)).toEqual([...open.keys()].sort((a, b) => a - b))
      expect(last.kinds().filter((kind) => kind !== JobKind.Free)).toEqual([])
    }),
    { numRuns: 400 },
  )
})

test('each failure waits as the rules say, the last wait for all others, until it is dead', () => {
  const rules = { maxDeliver: 4, backoffMs: [10, 100] }
  const world = new QueueWorld({ rules })
  const thread = world.open(0)
  thread.add(1)
  for (const [attempt, waitMs] of [
    [1, 10],
    [2, 100],
    [3, 100],
  ] as const) {
    const [claim] = thread.claim() as [Claim]
    expect(claim.attempt).toBe(attempt)
    expect(thread.nak(claim, -1)).toBe(true)
    world.nowMs += waitMs - 1
    expect(thread.claim()).toEqual([])
    world.nowMs += 1
  }
  const [last] = thread.claim() as [Claim]
  expect(last.attempt).toBe(rules.maxDeliver)
  thread.nak(last, -1)
  world.nowMs += 1_000_000
  expect(thread.claim()).toEqual([])
  expect(thread.bury()).toEqual([1])
})
