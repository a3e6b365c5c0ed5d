import { beforeEach, describe, expect, test } from 'vitest'
import { BEAT_MS } from '../../src/base/limits.js'
import { readThread, type ThreadReading } from '../../src/counters/snapshot.js'
import { LoopMeter, ThreadCounters } from '../../src/counters/thread-counters.js'
import { INBOX_SLEEPING, ThreadCounter } from '../../src/memory/layout.js'
import type { Region } from '../../src/memory/region.js'
import { HandClock } from '../base/hand-clock.js'
import { smallRegion } from '../link/small-region.js'

// At each of these, some of the bits that are kept of a time come round.
describe.each([1000.5, 2 ** 30 - 3, 2 ** 31 - 3, 2 ** 32 - 3])('at %d ms', (startMs) => {
  let region: Region
  let clock: HandClock
  let meter: LoopMeter
  const read = (): ThreadReading => readThread(region, 1, clock.nowMs())

  beforeEach(() => {
    region = smallRegion(3)
    clock = new HandClock(startMs)
    meter = new LoopMeter(region, 1, clock)
  })

  test('a thread says whether it sleeps, and since when', () => {
    meter.running()
    clock.ms += 40
    expect(read()).toMatchObject({ isSleeping: false, sinceMs: 40, parks: 0 })
    meter.parked()
    clock.ms += 7
    expect(read()).toMatchObject({ isSleeping: true, sinceMs: 7, parks: 1 })
  })

  test('a thread that has slept through two beats does something else', () => {
    meter.sleeping()
    clock.ms += 2 * BEAT_MS - 1
    expect(read().isSleeping).toBe(true)
    clock.ms += 1
    expect(read()).toMatchObject({ isSleeping: false, sinceMs: 2 * BEAT_MS })
  })

  test('a clock that is a little behind the other gives no age', () => {
    meter.running()
    clock.ms -= 2
    expect(read()).toMatchObject({ sinceMs: 0, beatAgeMs: 0 })
  })

  test('a beat says how late it is, and remembers the latest', () => {
    clock.ms += BEAT_MS + 25
    meter.beat()
    expect(read()).toMatchObject({ loopLagMs: 25, loopLagMaxMs: 25, beatAgeMs: 0 })
    clock.ms += BEAT_MS + 3
    meter.beat()
    clock.ms += 11
    expect(read()).toMatchObject({ loopLagMs: 3, loopLagMaxMs: 25, beatAgeMs: 11 })
    // An early timer is not late.
    clock.ms += BEAT_MS - 12
    meter.beat()
    expect(read()).toMatchObject({ loopLagMs: 0, loopLagMaxMs: 25 })
  })

  test('deliveries add up, also those of less than a microsecond', () => {
    const take = (ms: number): number =>
      meter.deliver(() => {
        clock.ms += ms
        return 1
      })
    expect(take(2.5)).toBe(1)
    for (let i = 0; i < 4; i++) take(1 / 4096)
    expect(read()).toMatchObject({ deliveries: 5, busyMaxMs: 2.5 })
    expect(read().busyMs).toBe(2.5)
    for (let i = 0; i < 1 << 10; i++) take(1 / 4096)
    expect(read().busyMs).toBe(2.75)
  })
})

describe('the counters of a thread', () => {
  test('stand in words of their own, and go when a new thread comes', () => {
    const region = smallRegion(3)
    const counters = [0, 1, 2].map((thread) => new ThreadCounters(region, thread))
    const all = Object.values(ThreadCounter)
    for (const [thread, own] of counters.entries()) {
      for (const counter of all) own.add(counter, 100 * thread + counter + 1)
    }
    const sleepingIndex = (region.layout.inbox(1) + INBOX_SLEEPING) >>> 2
    region.views.i32[sleepingIndex] = 1
    counters[1]!.clear()
    for (const counter of all) {
      expect(counters.map((own) => own.read(counter))).toEqual([counter + 1, 0, 201 + counter])
    }
    expect(region.views.i32[sleepingIndex]).toBe(1)
  })
})
