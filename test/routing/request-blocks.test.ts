import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RequestBlocks, type RequestBlock } from '../../src/routing/request-blocks.js'
import { HandClock } from '../base/hand-clock.js'

const values = (length: number): unknown[] => Array.from({ length }, (_, n) => n)

/** How the promise ends is not what these tests are about. */
const ignored = (): void => undefined

const TERMS = { timeoutMs: 5000, signal: null }

function make(start = { pendingMax: 1_000_000, span: 0 }) {
  const waiting: boolean[] = []
  const events = { onWaiting: (isWaiting: boolean): number => waiting.push(isWaiting) }
  const blocks = new RequestBlocks(new HandClock(), events, start)
  const begin = (length: number): RequestBlock => {
    const block = blocks.begin('a', values(length), TERMS)
    block.promise.catch(ignored)
    block.feed(() => true)
    return block
  }
  return { blocks, begin, waiting }
}

test('a counter belongs to one block at a time, and to none once it was answered', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 300 })), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 2 ** 25 - 3), (drawn, span) => {
      const { blocks, begin, waiting } = make({ pendingMax: 1_000_000, span })
      const live: RequestBlock[] = []
      const taken = new Map<number, RequestBlock>()
      const wrong: string[] = []
      const note = (is: boolean, what: string): void => void (is || wrong.push(what))
      for (const [isNew, number] of drawn) {
        if (isNew) {
          const block = begin(number)
          live.push(block)
          for (let k = 0; k < number; k++) {
            const counter = block.first + k
            note(counter < 0, 'a counter of single requests')
            note(!taken.has(counter), 'a counter that is taken')
            taken.set(counter, block)
          }
        } else if (live.length > 0) {
          const [block] = live.splice(number % live.length, 1) as [RequestBlock]
          for (let k = 0; k < block.length; k++) {
            note(blocks.find(block.first + k) === block, 'not found')
            block.succeed(block.first + k, -1, k)
            note(blocks.find(block.first + k) === null, 'found though answered')
            taken.delete(block.first + k)
          }
        }
      }
      for (const [counter, block] of taken) note(blocks.find(counter) === block, 'lost')
      blocks.close(new Error('the end'))
      for (const [counter] of taken) note(blocks.find(counter) === null, 'found after close')
      expect(wrong).toEqual([])
      expect(waiting.filter((is) => is)).toHaveLength(waiting.filter((is) => !is).length)
    }),
  )
})

test('a block begins anew at 0 rather than go beyond the last counter, past one in its way', () => {
  const all = 2 ** 25
  const { blocks, begin } = make({ pendingMax: 1_000_000, span: all - 66 })
  const inTheWay = begin(64)
  for (let n = 0; n < 62; n++) {
    const block = begin(1)
    block.succeed(block.first, -1, n)
  }
  // Three spans, of which two would have counters of single requests.
  const block = begin(3 * 64)
  for (let k = 0; k < block.length; k++) {
    expect(block.first + k).toBeLessThan(0)
    expect(blocks.find(block.first + k)).toBe(block)
  }
  expect(blocks.find(inTheWay.first)).toBe(inTheWay)
})

test('the table stays in proportion to what waits', () => {
  const { blocks, begin } = make()
  const spans = blocks.spans
  for (let n = 0; n < 1000; n++) {
    const block = begin(64)
    for (let k = 0; k < 64; k++) block.succeed(block.first + k, -1, k)
  }
  expect(blocks.spans).toBe(spans)
  for (let n = 0; n < spans; n++) begin(64)
  expect(blocks.spans).toBeGreaterThan(spans)
})

test('there is a limit to how much may wait', () => {
  const { begin } = make({ pendingMax: 100, span: 0 })
  const block = begin(60)
  expect(() => begin(41)).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
  begin(40)
  block.failMissing(new Error('enough'))
  begin(60)
})

test('a thread that has answered its share may end, and its place be taken', () => {
  const { blocks } = make()
  const block = blocks.begin('a', values(3), TERMS)
  block.promise.catch(ignored)
  const isGone = ({ incarnation }: { incarnation: number }): boolean => incarnation === 1
  const write = (thread: number, incarnation: number, count: number): void => {
    block.feed(() => {
      if (count-- === 0) return false
      block.thread = thread
      block.incarnation = incarnation
      return true
    })
  }
  write(5, 1, 1)
  block.succeed(block.first, 5, 'x')
  blocks.failWhere(isGone, () => new Error('gone'))
  write(5, 2, 1)
  blocks.failWhere(isGone, () => new Error('gone'))
  expect(block.isSettled).toBe(false)
  write(6, 1, 1)
  blocks.failWhere(isGone, () => new Error('gone'))
  expect(block.isSettled).toBe(true)
})
