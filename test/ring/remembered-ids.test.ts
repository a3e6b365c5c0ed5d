// Ids of jobs, remembered by all threads together: what one has added no other adds again.

import { expect, test } from 'vitest'
import { RememberedIds, type IdOutcome } from '../../src/ring/remembered-ids.js'
import { ID_BUCKET_BYTES } from '../../src/ring/queue-layout.js'
import { Killed, stepped } from './queue-world.js'

const BUCKETS = 8

function world() {
  const i32 = new Int32Array(new SharedArrayBuffer(BUCKETS * ID_BUCKET_BYTES))
  const lives = [1, 1]
  const open = (thread: number) =>
    new RememberedIds(
      i32,
      { first: 0, buckets: BUCKETS },
      { thread, incarnation: lives[thread] as number },
      (thread) => lives[thread] as number,
    )
  return { lives, open }
}

/** Adds as a producer does. */
function add(ids: RememberedIds, id: string, nowMs = 1000): IdOutcome {
  const outcome = ids.note(id, nowMs, nowMs + 100)
  if (outcome === 'new') ids.confirm()
  return outcome
}

test('an id is new once, on whichever thread, until its time is over', () => {
  const { open } = world()
  const [one, two] = [open(0), open(1)]
  expect(add(one, 'a')).toBe('new')
  expect(add(two, 'a')).toBe('known')
  expect(add(two, 'b')).toBe('new')
  expect(add(one, 'a', 1099)).toBe('known')
  expect(add(one, 'a', 1100)).toBe('new')
})

test('a job that was not added after all leaves no id', () => {
  const { open } = world()
  const one = open(0)
  expect(one.note('a', 1000, 1100)).toBe('new')
  one.forget()
  expect(add(one, 'a')).toBe('new')
})

test('ids whose hashes are half the same are two ids', () => {
  const one = world().open(0)
  // FNV-1a has the same 32 bits for both; found by trying.
  expect(add(one, 'job-439599')).toBe('new')
  expect(add(one, 'job-622382')).toBe('new')
  expect(add(one, 'job-622382')).toBe('known')
})

test('a full bucket says so, and takes ids again when some are over', () => {
  const { open } = world()
  const one = open(0)
  let n = 0
  while (add(one, `id ${n}`) === 'new') n++
  expect(n).toBeGreaterThanOrEqual(7)
  expect(add(one, `id ${n}`)).toBe('full')
  expect(add(one, `id ${n}`, 1100)).toBe('new')
})

test('who dies while adding has added nothing, and locks nobody out', () => {
  let isDone = false
  for (let last = 0; !isDone; last++) {
    const { lives, open } = world()
    let isConfirmed = false
    try {
      stepped(
        (step) => {
          if (step === last) throw new Killed()
        },
        () => {
          add(open(0), 'a')
          isConfirmed = true
        },
      )
      isDone = true
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      lives[0] = 0
    }
    expect(add(open(1), 'a'), `after step ${last}`).toBe(isConfirmed ? 'known' : 'new')
  }
})

test('two who add the same id at one time add it once', () => {
  let isDone = false
  for (let at = 0; !isDone; at++) {
    const { open } = world()
    const [one, two] = [open(0), open(1)]
    const outcomes: IdOutcome[] = []
    let isRun = false
    stepped(
      (step) => {
        if (step !== at) return
        isRun = true
        outcomes.push(add(two, 'a'))
      },
      () => void outcomes.push(add(one, 'a')),
    )
    isDone = !isRun
    for (let n = 0; n < 2; n++) outcomes.push(add(n === 0 ? one : two, 'a'))
    const added = outcomes.filter((outcome) => outcome === 'new')
    expect(added, `at step ${at}: ${outcomes.join(', ')}`).toHaveLength(1)
  }
})
