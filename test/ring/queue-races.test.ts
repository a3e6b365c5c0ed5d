// What one thread does with a work queue while another is between two of its steps: staged at every
// atomic operation of a look for jobs, so that no interleaving of the two is left out.

import { expect, test } from 'vitest'
import { Killed, QueueWorld, stepped, type Claim } from './queue-world.js'

const jobsOf = (claims: Claim[]): number[] => claims.map(({ job }) => job)

type AtStep = <T>(other: () => void, work: () => T) => T

/**
 * Calls `stage` for each step at which a piece of work can be interrupted; `stage` does it with
 * `atStep`, which calls what it is given just before that step. Returns what the stages returned.
 */
function atEveryStep<T>(stage: (atStep: AtStep) => T): T[] {
  const results: T[] = []
  for (let at = 0, isReached = true; isReached; at++) {
    isReached = false
    const atStep: AtStep = (other, work) =>
      stepped((step) => {
        if (step !== at) return
        isReached = true
        other()
      }, work)
    results.push(stage(atStep))
  }
  return results
}

test('a key that was refused in a look stays refused, though its job ends before the next', () => {
  const looks = atEveryStep((atStep) => {
    const world = new QueueWorld({ isOrdered: true })
    const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
    for (const job of [1, 2, 3]) producer.add(job, { key: 7 })
    const [first] = two.claim(1) as [Claim]
    return atStep(
      () => two.ack(first),
      () => jobsOf(one.claim(9)),
    )
  })
  // Job 2 was refused, or was free to be taken; job 3 comes after it either way.
  expect(new Set(looks.map(String))).toEqual(new Set(['', '2']))
})

test('a look that was lapped by the writer does not take the later job of a key first', () => {
  const looks = atEveryStep((atStep) => {
    const world = new QueueWorld({ isOrdered: true, capacity: 2 })
    const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
    for (const job of [1, 2]) producer.add(job, { key: 7 })
    const lap = (): void => {
      for (const claim of two.claim(1)) two.ack(claim)
      producer.put(3, { key: 7 })
    }
    return jobsOf(atStep(lap, () => one.claim(9)))
  })
  expect(new Set(looks.map(String))).toEqual(new Set(['', '1', '2']))
})

test('an entry says nothing about the job that has its slot now, and is not yet published', () => {
  const looks = atEveryStep((atStep) => {
    const world = new QueueWorld({ capacity: 1 })
    const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
    producer.add(1)
    const reuse = (): void => {
      for (const claim of two.claim(1)) two.ack(claim)
      producer.put(2)
    }
    const claimed = jobsOf(atStep(reuse, () => one.claim(9)))
    producer.writer.publish()
    return [claimed, jobsOf(one.claim(9))]
  })
  for (const [claimed] of looks) expect(claimed).not.toContain(2)
  // Interrupted before its claim, it got nothing, and job 2 once that was published.
  expect(looks).toContainEqual([[], [2]])
})

test('a job for later is found though a thread died while it looked for what is due', () => {
  const found = atEveryStep((atStep) => {
    const world = new QueueWorld()
    const [producer, victim, other] = [world.open(0), world.open(1), world.open(2)]
    producer.add(1, { dueMs: world.nowMs + 5 })
    world.nowMs += 5
    const kill = (): void => {
      throw new Killed()
    }
    try {
      atStep(kill, () => jobsOf(victim.claim()))
    } catch (error) {
      if (!(error instanceof Killed)) throw error
    }
    world.die(1)
    other.repair()
    world.nowMs += 10
    return jobsOf(other.claim())
  })
  expect(found.length).toBeGreaterThan(5)
  expect(found).toEqual(found.map(() => [1]))
})

test('a claim is not taken back before it says by when it has to be settled', () => {
  const looks = atEveryStep((atStep) => {
    const world = new QueueWorld({ capacity: 1 })
    const [producer, one, two] = [world.open(0), world.open(1), world.open(2)]
    // Whose slot it was before had less time.
    producer.add(1)
    for (const claim of one.claim()) one.ack(claim)
    world.nowMs += 10 * world.rules.ackWaitMs
    producer.add(2)
    const claims: Claim[][] = []
    const look = (): void => {
      two.ledger.repair(world.nowMs)
      claims.push(two.claim())
    }
    claims.push(atStep(look, () => one.claim()))
    const [first, ...more] = claims.flat() as [Claim]
    return [
      more.length,
      first.attempt,
      (first.word === claims[0]?.[0]?.word ? two : one).ack(first),
    ]
  })
  expect(looks).toEqual(looks.map(() => [0, 1, true]))
})
