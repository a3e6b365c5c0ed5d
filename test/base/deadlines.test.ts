import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Deadlines, NO_DEADLINE, type Waiting } from '../../src/base/deadlines.js'
import { TIMEOUT_MS_MAX } from '../../src/base/limits.js'
import { HandClock } from './hand-clock.js'

class Wait implements Waiting {
  deadline = NO_DEADLINE
  listNext: Waiting | null = null
  listPrevious: Waiting | null = null
  list: Waiting['list'] = null

  constructor(
    readonly name: string | number,
    readonly onExpire: (wait: Wait) => void,
  ) {}

  expire(): void {
    this.onExpire(this)
  }
}

/** Fake timers and a clock that move together, as they do in life. */
let clock: HandClock
let deadlines: Deadlines
let expired: (string | number)[]
let tickEnds: (() => void)[] = []

const endTick = (): void => {
  for (const callback of tickEnds.splice(0)) callback()
}

const note = (wait: Wait): void => void expired.push(wait.name)
const start = (name: string | number, lengthMs: number, onExpire = note): Wait => {
  const wait = new Wait(name, onExpire)
  deadlines.add(wait, lengthMs)
  return wait
}
const pass = (ms: number): void => {
  endTick()
  clock.ms += ms
  vi.advanceTimersByTime(ms)
  endTick()
}

beforeEach(() => {
  vi.useFakeTimers()
  clock = new HandClock(1000)
  deadlines = new Deadlines(clock, (callback) => void tickEnds.push(callback))
  expired = []
  tickEnds = []
})

afterEach(() => {
  vi.useRealTimers()
})

describe('Deadlines', () => {
  test('end a wait at its deadline, once, and not a moment before', () => {
    const wait = start('a', 100)
    expect(wait.deadline.atMs).toBe(1100)
    pass(99)
    expect(expired).toEqual([])
    pass(1)
    expect(expired).toEqual(['a'])
    pass(1000)
    expect(expired).toEqual(['a'])
  })

  test('end waits of one length in the order in which they began', () => {
    for (const name of ['a', 'b', 'c']) {
      start(name, 50)
      pass(1)
    }
    pass(50)
    expect(expired).toEqual(['a', 'b', 'c'])
  })

  test('set the timer anew when a shorter wait begins', () => {
    start('long', 5000)
    start('short', 10)
    pass(10)
    expect(expired).toEqual(['short'])
    pass(4990)
    expect(expired).toEqual(['short', 'long'])
  })

  test.each([0, 1, 2])('leave the others alone when number %i of three ends early', (index) => {
    const waits = ['a', 'b', 'c'].map((name) => start(name, 50))
    deadlines.remove(waits[index] as Wait)
    deadlines.remove(waits[index] as Wait)
    pass(50)
    expect(expired).toEqual(['a', 'b', 'c'].filter((_, i) => i !== index))
  })

  test('count from the end of the tick in which they began, when there are several', () => {
    const earlier = start('earlier', 50)
    clock.ms += 5
    endTick()
    const a = start('a', 50)
    clock.ms += 30
    const b = start('b', 50)
    const c = start('c', 20)
    deadlines.remove(start('over already', 50))
    clock.ms += 10
    endTick()
    const all = [earlier, a, b, c].map(({ deadline }) => deadline.atMs)
    expect(all).toEqual([1050, 1095, 1095, 1065])
  })

  test('let an expiry begin and end other waits', () => {
    const victim = start('victim', 60)
    const twin = start('twin', 50, () => {
      note(twin)
      deadlines.remove(victim)
      deadlines.remove(neighbour)
      start('again', 50)
      start('other length', 7)
    })
    const neighbour = start('neighbour', 50)
    pass(50)
    expect(expired).toEqual(['twin'])
    pass(7)
    expect(expired).toEqual(['twin', 'other length'])
    pass(43)
    expect(expired).toEqual(['twin', 'other length', 'again'])
  })

  test('forget everything on close, also within an expiry', () => {
    start('a', 50, (wait) => {
      note(wait)
      deadlines.close()
    })
    start('b', 50)
    start('c', 70)
    pass(50)
    expect(vi.getTimerCount()).toBe(0)
    pass(1000)
    expect(expired).toEqual(['a'])
  })

  test('can be used again after close', () => {
    start('a', 50)
    deadlines.close()
    start('b', 50)
    pass(50)
    expect(expired).toEqual(['b'])
  })

  test('ask for no longer timer than there is, whatever the clock rounds to', () => {
    clock.ms = 12_345.678
    const setTimer = vi.spyOn(globalThis, 'setTimeout')
    for (let i = 0; i < 200; i++) {
      clock.ms += 0.1
      start(i, TIMEOUT_MS_MAX)
      deadlines.close()
    }
    for (const [, delayMs] of setTimer.mock.calls) {
      expect(delayMs).toBeLessThanOrEqual(TIMEOUT_MS_MAX)
    }
    expect(setTimer).toHaveBeenCalledTimes(200)
  })

  test('wait on when a timer fires early', () => {
    start('a', 50)
    vi.advanceTimersByTime(50) // The clock has not moved.
    expect(expired).toEqual([])
    pass(50)
    expect(expired).toEqual(['a'])
  })

  test('keep few lists when every wait has a length of its own', () => {
    let most = 0
    for (let i = 0; i < 20_000; i++) {
      deadlines.remove(start(i, 5000 + i / 1024))
      most = Math.max(most, deadlines.listCount)
    }
    expect(most).toBeLessThan(100)
  })

  test('lose no wait when lists are swept while it begins within an expiry', () => {
    start('a', 50, (wait) => {
      note(wait)
      for (let i = 0; i < 100; i++) deadlines.remove(start(i, 1000 + i))
      start('b', 50)
    })
    pass(50)
    pass(50)
    expect(expired).toEqual(['a', 'b'])
  })

  test('end every wait at its time, as a sorted list would', () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom(1, 5, 5, 20, 100, 7.5).map((lengthMs) => ({ lengthMs })),
      },
      { weight: 2, arbitrary: fc.nat({ max: 50 }).map((remove) => ({ remove })) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 40 }).map((passMs) => ({ passMs })) },
    )
    const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      vi.clearAllTimers()
      clock = new HandClock(1000)
      deadlines = new Deadlines(clock, (callback) => void tickEnds.push(callback))
      const alive = new Map<Wait, number>()
      const all: Wait[] = []
      const fail: string[] = []
      for (const one of steps) {
        if ('lengthMs' in one) {
          const wait = start(all.length, one.lengthMs, (w) => {
            const dueMs = alive.get(w)
            if (dueMs === undefined || dueMs > clock.ms) fail.push(`${w.name} at ${clock.ms}`)
            alive.delete(w)
          })
          alive.set(wait, clock.ms + one.lengthMs)
          all.push(wait)
        } else if ('remove' in one) {
          const wait = all[one.remove]
          if (wait !== undefined) {
            deadlines.remove(wait)
            alive.delete(wait)
          }
        } else {
          for (let ms = 0; ms < one.passMs; ms++) {
            pass(1)
            for (const [wait, dueMs] of alive) {
              // A timer counts whole milliseconds, rounded up.
              if (dueMs + 1 <= clock.ms) fail.push(`${wait.name} is late at ${clock.ms}`)
            }
          }
        }
      }
      expect(fail).toEqual([])
    })
    fc.assert(property, { numRuns: 200 })
  })
})
