import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineAge } from '../../src/agent/line-age.js'

describe('the age of a line', () => {
  test('begins at the first look that saw its oldest, and ends when that has left', () => {
    const age = new LineAge()
    expect(age.look(0, 0, 10)).toBe(0)
    expect(age.look(3, 0, 20)).toBe(0)
    expect(age.look(5, 2, 30)).toBe(10) // The third has waited since the look at 20.
    expect(age.look(5, 3, 40)).toBe(10) // The fourth since that at 30.
    expect(age.look(5, 5, 50)).toBe(0)
    expect(age.look(6, 5, 60)).toBe(0)
  })

  test('never says too much, nor too little by more than the time of a look', () => {
    const step = fc.record({
      enter: fc.nat(4),
      leave: fc.nat(4),
      ms: fc.integer({ min: 1, max: 9 }),
    })
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const age = new LineAge()
      const line: number[] = []
      let [entered, left, nowMs] = [0, 0, 0]
      for (const { enter, leave, ms } of steps) {
        for (let n = 0; n < enter; n++) line.push(nowMs)
        entered += enter
        left += line.splice(0, leave).length
        nowMs += ms
        const said = age.look(entered, left, nowMs)
        const waited = line[0] === undefined ? 0 : nowMs - line[0]
        expect(said).toBeLessThanOrEqual(waited)
        // Who came since the last look has not been seen waiting yet.
        if (line[0] !== undefined) expect(waited - said).toBeLessThanOrEqual(ms + 9)
      }
    })
    fc.assert(property)
  })
})
