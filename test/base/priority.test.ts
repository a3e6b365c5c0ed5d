import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PRIORITY_PASSES_MAX } from '../../src/base/limits.js'
import { PRIORITIES, PriorityLine, type Priority } from '../../src/base/priority.js'

/** Most urgent first. */
const ORDER: Priority[] = ['critical', 'high', 'normal', 'low', 'batch']

const numberOf = (priority: Priority): number => PRIORITIES.indexOf(priority)

function takeAll<T>(line: PriorityLine<T>): T[] {
  const taken: T[] = []
  while (line.length > 0) taken.push(line.shift() as T)
  return taken
}

describe('a line of priorities', () => {
  test('is first in, first out where nobody says how urgent it is', () => {
    const line = new PriorityLine<number>()
    for (let n = 0; n < 3000; n++) line.push(n, 0)
    expect(line.peek()).toBe(0)
    expect(takeAll(line)).toEqual([...Array(3000).keys()])
    expect([line.peek(), line.shift()]).toEqual([undefined, undefined])
  })

  test('takes the more urgent first', () => {
    const line = new PriorityLine<Priority>()
    for (const priority of PRIORITIES) line.push(priority, numberOf(priority))
    expect(takeAll(line)).toEqual(ORDER)
  })

  test('peeks at what it takes next, also when that is not the most urgent', () => {
    const line = new PriorityLine<string>()
    line.push('patient', numberOf('batch'))
    for (let n = 0; n < PRIORITY_PASSES_MAX; n++) {
      line.push('pushy', numberOf('critical'))
      expect([line.peek(), line.shift()]).toEqual(['pushy', 'pushy'])
    }
    line.push('pushy', numberOf('critical'))
    expect([line.peek(), line.shift()]).toEqual(['patient', 'patient'])
    expect(line.shift()).toBe('pushy')
  })

  test('takes out what it showed, though a more urgent one has come since', () => {
    const line = new PriorityLine<string>()
    for (const name of ['one', 'two']) line.push(name, numberOf('normal'))
    expect(line.peek()).toBe('one')
    line.push('pushy', numberOf('critical'))
    expect(line.shiftOf(numberOf('normal'))).toBe('one')
    expect(takeAll(line)).toEqual(['pushy', 'two'])
  })

  test('takes out the oldest wanted one of those least urgent', () => {
    const line = new PriorityLine<string>()
    for (const name of ['L1', 'L2', 'L3']) line.push(name, numberOf('low'))
    line.push('n', numberOf('normal'))
    expect(line.takeLeast((name) => name !== 'L1')).toBe('L2')
    expect(line.takeLeast((name) => name === 'n')).toBe('n')
    expect(line.takeLeast((name) => name === 'c')).toBe(undefined)
    expect(line.length).toBe(2)
    expect(takeAll(line)).toEqual(['L1', 'L3'])
  })

  test('whoever comes after one that was taken out has not been passed by', () => {
    const line = new PriorityLine<string>()
    line.push('L', numberOf('low'))
    for (let n = 0; n < PRIORITY_PASSES_MAX + 2; n++) line.push('c', numberOf('critical'))
    for (let n = 0; n < PRIORITY_PASSES_MAX; n++) expect(line.shift()).toBe('c')
    expect(line.peek()).toBe('L')
    expect(line.takeLeast(() => true)).toBe('L')
    line.push('M', numberOf('low'))
    expect(takeAll(line)).toEqual(['c', 'c', 'M'])
  })

  test('counts anew for each that comes to the front', () => {
    const line = new PriorityLine<string>()
    const pushy = PRIORITY_PASSES_MAX * 3
    for (let n = 0; n < pushy; n++) line.push('c', numberOf('critical'))
    for (let n = 0; n < 4; n++) line.push('L', numberOf('low'))
    const run = 'c'.repeat(PRIORITY_PASSES_MAX)
    expect(takeAll(line).join('')).toBe(`${run}L${run}L${run}LL`)
  })

  test('keeps the order of each priority, loses nothing, and lets nobody wait for ever', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...ORDER) },
      { weight: 2, arbitrary: fc.constant('shift' as const) },
      { weight: 1, arbitrary: fc.record({ many: fc.nat(40), of: fc.constantFrom(...ORDER) }) },
    )
    const property = fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const line = new PriorityLine<[Priority, number]>()
      const pushed = new Map(ORDER.map((priority) => [priority, [] as number[]]))
      /** How many others were taken while the priority's oldest stood in front. */
      const passed = new Map<Priority, number>()
      let count = 0
      let length = 0
      const push = (priority: Priority): void => {
        line.push([priority, count], numberOf(priority))
        pushed.get(priority)?.push(count++)
        length++
      }
      const shift = (): void => {
        const taken = line.shift()
        if (length === 0) {
          expect(taken).toBeUndefined()
          return
        }
        length--
        const [priority, n] = taken as [Priority, number]
        expect(n).toBe(pushed.get(priority)?.shift())
        const isPassing = ORDER.slice(0, ORDER.indexOf(priority)).some(
          (more) => pushed.get(more)?.length !== 0,
        )
        // Nobody passes the more urgent but those who have been passed often enough.
        if (isPassing) expect(passed.get(priority)).toBeGreaterThanOrEqual(PRIORITY_PASSES_MAX)
        passed.set(priority, 0)
        for (const [other, waiting] of pushed) {
          if (other === priority || waiting.length === 0) continue
          const times = (passed.get(other) ?? 0) + 1
          passed.set(other, times)
          // Others that have waited as long may come in between.
          expect(times).toBeLessThan(PRIORITY_PASSES_MAX + ORDER.length)
        }
        for (const [other, waiting] of pushed) if (waiting.length === 0) passed.set(other, 0)
      }
      for (const one of steps) {
        if (one === 'shift') shift()
        else if (typeof one === 'string') push(one)
        else for (let n = 0; n < one.many; n++) push(one.of)
        expect(line.length).toBe(length)
      }
      while (length > 0) shift()
    })
    fc.assert(property, { numRuns: 300 })
  })
})
