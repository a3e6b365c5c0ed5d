import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMonotonicClock } from '../../src/base/clock.js'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the monotonic clock', () => {
  test('never goes back', () => {
    const clock = createMonotonicClock()
    let last = clock.nowMs()
    for (let i = 0; i < 10_000; i++) {
      const now = clock.nowMs()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
  })

  test.each([0, 1, 4])('agrees with the machine when its thread is set aside at look %i', (at) => {
    let machineMs = 123_456_789
    let looks = 0
    vi.spyOn(process, 'hrtime').mockImplementation((() => [
      Math.floor(machineMs / 1000),
      (machineMs % 1000) * 1e6,
    ]) as never)
    vi.spyOn(performance, 'now').mockImplementation(() => {
      machineMs += looks++ === at ? 50 : 0.001
      return machineMs - 100_000_000
    })
    const clock = createMonotonicClock()
    expect(Math.abs(clock.nowMs() - machineMs)).toBeLessThan(0.01)
  })
})
