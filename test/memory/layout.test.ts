import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LINE_BYTES, RING_BYTES_MAX, RING_BYTES_MIN, THREADS_MAX } from '../../src/base/limits.js'
import {
  INBOX_BYTES,
  INBOX_READY,
  LANE_WORDS_BYTES,
  Lane,
  layoutOf,
  planGeometry,
  READY_GROUPS_MAX,
} from '../../src/memory/layout.js'

describe('planGeometry', () => {
  test('gives each thread count rings that are a power of two and a region below 4 GiB', () => {
    for (let threads = 1; threads <= THREADS_MAX; threads++) {
      const geometry = planGeometry(threads)
      expect(Math.log2(geometry.bulkRingBytes) % 1).toBe(0)
      expect(Math.log2(geometry.urgentRingBytes) % 1).toBe(0)
      expect(layoutOf(geometry).regionBytes).toBeLessThan(2 ** 32)
    }
  })

  test.each([0, -1, 1.5, THREADS_MAX + 1, Number.NaN])('refuses %d threads', (threads) => {
    expect(() => planGeometry(threads)).toThrow(
      expect.objectContaining({ code: 'ERR_THREAD_LIMIT' }),
    )
  })

  test.each([0, -1024, 1000, 1536, RING_BYTES_MIN / 2, RING_BYTES_MAX * 2, 1024.5, Number.NaN])(
    'refuses rings of %d bytes',
    (bulkRingBytes) => {
      expect(() => planGeometry(2, { bulkRingBytes })).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION_INVALID' }),
      )
    },
  )

  test.each([RING_BYTES_MIN, RING_BYTES_MAX])('takes rings of %d bytes', (bulkRingBytes) => {
    expect(planGeometry(2, { bulkRingBytes }).bulkRingBytes).toBe(bulkRingBytes)
  })

  test('refuses a region of 4 GiB and more', () => {
    expect(() => planGeometry(64, { bulkRingBytes: 1024 * 1024 })).toThrow(/below 4 GiB/)
  })
})

describe('a layout', () => {
  /** Every stretch of a region, as [name, start, end). */
  const stretchesOf = (threads: number): [string, number, number][] => {
    const layout = layoutOf(
      planGeometry(threads, { bulkRingBytes: 4096, dictionaryBytes: 4096, changeLogBytes: 4096 }),
    )
    const found: [string, number, number][] = [['header', 0, layout.inboxes]]
    const { subscriptionRows, changeLog } = layout
    found.push(['rows', subscriptionRows, subscriptionRows + 4 * layout.subscriptions])
    found.push(['change log', changeLog, changeLog + 2 * layout.changeLogBytes])
    for (let to = 0; to < threads; to++) {
      found.push([`inbox ${to}`, layout.inbox(to), layout.inbox(to) + INBOX_BYTES])
      const dictionary = layout.dictionary(to)
      found.push([`dictionary ${to}`, dictionary, dictionary + layout.dictionaryBytes])
      for (let from = 0; from < threads; from++) {
        for (const lane of [Lane.Urgent, Lane.Bulk]) {
          const words = layout.laneWords(from, to, lane)
          const ring = layout.ring(from, to, lane)
          found.push([`words ${from} ${to} ${lane}`, words, words + LANE_WORDS_BYTES])
          found.push([`ring ${from} ${to} ${lane}`, ring, ring + layout.ringBytes(lane)])
        }
      }
    }
    found.push(['end', layout.regionBytes, layout.regionBytes])
    return found.sort((a, b) => a[1] - b[1] || a[2] - b[2])
  }

  test('gives every stretch bytes of its own, within the region', () => {
    const property = fc.property(fc.integer({ min: 1, max: 20 }), (threads) => {
      const stretches = stretchesOf(threads)
      expect(stretches.at(-1)?.[0]).toBe('end')
      for (let i = 1; i < stretches.length; i++) {
        const [, , endBefore] = stretches[i - 1] as [string, number, number]
        expect((stretches[i] as [string, number, number])[1]).toBeGreaterThanOrEqual(endBefore)
      }
    })
    fc.assert(property, { numRuns: 15 })
  })

  test('puts every shared word on a line of its own, and rings on frame boundaries', () => {
    for (const [name, start] of stretchesOf(5)) {
      if (name.startsWith('inbox') || name.startsWith('words')) expect(start % LINE_BYTES).toBe(0)
      if (name.startsWith('ring')) expect(start % 8).toBe(0)
    }
  })

  test('has a ready group for each sixteen producers, within the inbox', () => {
    const groups = [1, 16, 17, 32, 33, 64].map(
      (threads) => layoutOf(planGeometry(threads)).readyGroups,
    )
    expect(groups).toEqual([1, 1, 2, 2, 3, 4])
    expect(INBOX_READY + READY_GROUPS_MAX * LINE_BYTES).toBeLessThanOrEqual(INBOX_BYTES)
  })
})
