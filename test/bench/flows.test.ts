// The one-way scenarios: bytes that prove what arrived, several producers and consumers, and every
// contender of every scenario with a few messages. Nothing here measures speed.

import { describe, expect, test } from 'vitest'
import { runInFreshProcess } from '../../bench/lib/child.mjs'
import { passOfAll, type Report } from '../../bench/lib/flow.mjs'
import { loadScenario, SCENARIO_NAMES } from '../../bench/lib/scenarios.mjs'
import { createTally, firstIdOf } from '../../bench/lib/tally.mjs'
import { refusalOf } from '../../bench/lib/verdict.mjs'
import { createBytes, expectedBytesSum } from '../../bench/payloads/bytes.mjs'

describe.each([64, 1024, 65_536])('a payload of %i bytes', (bytes) => {
  const payload = createBytes(bytes)

  test('sums up to what the numbers say', () => {
    for (const [first, count] of [
      [0, 130],
      [123_457, 65],
      [99_999_000, 64],
    ] as const) {
      let sum = 0
      for (let id = first; id < first + count; id++) sum = payload.fold(sum, payload.valueAt(id))
      expect(sum).toBe(expectedBytesSum(bytes, first, count))
      expect(sum).toBe(payload.expectedSum(first, count))
    }
  })

  test('carries its sequence number', () => {
    for (const id of [0, 1, 255, 256, 65_536, 99_999_999]) {
      expect(payload.idOf(payload.valueAt(id))).toBe(id)
    }
  })

  test('has another sum when any byte of it is changed', () => {
    // Number 64 is one whose every word is looked at, whatever the size.
    const value = payload.ownValueAt(64)
    const whole = payload.fold(0, value)
    for (let index = 0; index < bytes; index += index < 256 ? 1 : 97) {
      value[index] = (value[index] as number) ^ 1
      // A change of the number itself is noticed as disorder; its sum has its own expectation.
      const changed = index < 4 ? payload.idOf(value) : payload.fold(0, value)
      expect(changed, `byte ${index}`).not.toBe(index < 4 ? 64 : whole)
      value[index] = (value[index] as number) ^ 1
    }
  })

  test('has another sum when it ends early, or when words change places', () => {
    const value = payload.ownValueAt(64)
    const whole = payload.fold(0, value)
    expect(payload.fold(0, value.subarray(0, bytes / 2))).not.toBe(whole)
    const swapped = value.slice()
    swapped.set(value.subarray(4, 8), bytes - 4)
    swapped.set(value.subarray(bytes - 4), 4)
    expect(payload.fold(0, swapped)).not.toBe(whole)
  })

  test('is found out when half of it is of the next message', () => {
    const first = payload.ownValueAt(129)
    const next = payload.ownValueAt(130)
    const mixed = first.slice()
    mixed.set(next.subarray(bytes / 2), bytes / 2)
    expect(payload.fold(0, mixed)).not.toBe(payload.fold(0, first))
  })

  test('is written anew into the same memory, unless it is to be kept', () => {
    expect(payload.valueAt(1)).toBe(payload.valueAt(2))
    const kept = payload.ownValueAt(1)
    payload.valueAt(2)
    expect(payload.idOf(kept)).toBe(1)
  })
})

describe('several producers', () => {
  const payload = {
    idOf: (value: number): number => value,
    fold: (sum: number, value: number): number => sum + value,
  }
  const take = (ids: number[], first = 10): ReturnType<Tally['report']> => {
    const tally = createTally(payload, { producers: 3 })
    tally.expect({ first, count: ids.length })
    ids.forEach((id) => tally.take(id))
    return tally.report()
  }
  type Tally = ReturnType<typeof createTally<number>>

  test('may be interleaved in any way', () => {
    expect(take([12, 15, 10, 13, 18, 11]).disordered).toBe(0)
    expect(take([10, 11, 12, 13]).disordered).toBe(0)
  })

  test('keep the order of each', () => {
    expect(take([10, 16, 13, 11]).disordered).toBeGreaterThan(0)
    expect(take([10, 11, 12, 16]).disordered).toBe(1)
    expect(take([10, 10]).disordered).toBe(1)
  })

  test('share all numbers, and each its own', () => {
    for (const first of [0, 1, 2, 100]) {
      const all = [0, 1, 2].flatMap((producer) => {
        const start = firstIdOf(first, producer, 3)
        expect(start % 3).toBe(producer)
        return [start, start + 3]
      })
      expect(all.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5].map((n) => first + n))
    }
  })
})

describe('several consumers', () => {
  const job = { first: 0, count: 10 }
  const good: Report = { received: 10, disordered: 0, checksum: 45, endNs: 2e9 }
  const pass = (...reports: Report[]) => passOfAll(job, 1e9, reports, () => 45)

  test('count every delivery, until the last one of all', () => {
    const all = pass(good, { ...good, endNs: 4e9 }, good)
    expect(refusalOf(all)).toBeNull()
    expect(all.seconds).toBe(3)
    expect(all.evidence).toMatchObject({ sent: 30, received: 30 })
  })

  test.each([
    ['deliveries', { received: 9 }, { received: 11 }],
    ['sums', { checksum: 44 }, { checksum: 46 }],
  ])('do not make up for the %s of each other', (_, less, more) => {
    expect(refusalOf(pass(good, { ...good, ...less }, { ...good, ...more }))).not.toBeNull()
  })

  test('are refused when one of them saw disorder', () => {
    expect(refusalOf(pass(good, { ...good, disordered: 1 }))).toContain('1 of 10 messages')
  })
})

describe('every contender delivers everything', () => {
  const FLOWS = SCENARIO_NAMES.filter((name) => !name.startsWith('request-reply'))

  test.each(FLOWS)('%s', { timeout: 120_000 }, async (name) => {
    const { file, scenario } = await loadScenario(name)
    expect(scenario.name).toBe(name)
    expect(Object.keys(scenario.contenders)).toEqual(
      expect.arrayContaining(['flyshuttle', 'postMessage']),
    )
    for (const contender of Object.keys(scenario.contenders)) {
      const result = await runInFreshProcess(file, contender, { warmupMs: 1, measuredMs: 1 })
      const needsAddon = !contender.endsWith('-js') && !contender.startsWith('postMessage')
      if (needsAddon && result['notRun'] === 'the native addon is not built') continue
      const failure = result['failed'] ?? refusalOf(result)
      expect(failure, `${name}, ${contender}`).toBeNull()
    }
  })
})
