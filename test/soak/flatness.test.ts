import { expect, test } from 'vitest'
import { growthOf, plot, sparkline } from './flatness.mjs'

const series = (bytesAt: (seconds: number) => number) =>
  Array.from({ length: 100 }, (_, n) => ({ seconds: n + 1, bytes: bytesAt(n + 1) }))

test('what climbs steadily has grown by what it climbed after the warm-up', () => {
  expect(growthOf(series((seconds) => 1000 * seconds))).toBeCloseTo(75_000)
})

test('what climbs while warming up and then stays has not grown', () => {
  expect(growthOf(series((seconds) => Math.min(seconds, 20) * 1000))).toBe(0)
})

test('noise and a few spikes are no growth', () => {
  const growth = growthOf(series((s) => 1e6 + ((s * 7919) % 100) + (s % 17 === 0 ? 1e6 : 0)))
  expect(Math.abs(growth)).toBeLessThan(100)
})

test('a climb is found through noise ten times as high as a step', () => {
  const growth = growthOf(series((s) => 1000 * s + ((s * 7919) % 10_000)))
  expect(growth).toBeGreaterThan(70_000)
})

test('too few samples are refused', () => {
  expect(() => growthOf([{ seconds: 1, bytes: 1 }])).toThrow('1 samples after the warm-up')
})

test('the line and the image show the least and the greatest value', () => {
  const samples = series((seconds) => seconds)
  expect(sparkline(samples)).toMatch(/^▁.*[▇█]$/)
  expect(plot([{ name: 'heap', samples }])).toContain('<polyline')
})
