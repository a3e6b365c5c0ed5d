import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fifo } from '../../src/base/fifo.js'

describe('Fifo', () => {
  test('gives back what was pushed, oldest first', () => {
    const fifo = new Fifo<number>()
    fifo.push(1)
    fifo.push(2)
    expect([fifo.peek(), fifo.shift(), fifo.shift(), fifo.shift()]).toEqual([1, 1, 2, undefined])
  })

  test('keeps its order across the compaction of a long queue', () => {
    const fifo = new Fifo<number>()
    const shifted: (number | undefined)[] = []
    for (let i = 0; i < 10_000; i++) {
      fifo.push(i)
      if (i % 3 === 0) shifted.push(fifo.shift())
    }
    while (fifo.length > 0) shifted.push(fifo.shift())
    expect(shifted).toEqual([...Array(10_000).keys()])
  })

  test('behaves like an array, whatever is done to it', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.nat().map((push) => ({ push })) },
      { weight: 3, arbitrary: fc.constant('shift' as const) },
      { weight: 1, arbitrary: fc.constant('clear' as const) },
      // Enough at once to reach the compaction.
      { weight: 1, arbitrary: fc.integer({ min: 500, max: 3000 }).map((many) => ({ many })) },
      { weight: 1, arbitrary: fc.integer({ min: 500, max: 3000 }).map((take) => ({ take })) },
    )
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      const shift = (): void => expect(fifo.shift()).toBe(model.shift())
      for (const one of steps) {
        if (one === 'shift') shift()
        else if (one === 'clear') {
          fifo.clear()
          model.length = 0
        } else if ('push' in one) {
          fifo.push(one.push)
          model.push(one.push)
        } else if ('many' in one) {
          for (let i = 0; i < one.many; i++) {
            fifo.push(i)
            model.push(i)
          }
        } else for (let i = 0; i < one.take; i++) shift()
        expect(fifo.length).toBe(model.length)
        expect(fifo.peek()).toBe(model[0])
      }
    })
    fc.assert(property, { numRuns: 60 })
  })
})
