// What the words that threads share cost, when nobody else touches them: the prices by which the
// protocol was made.

import { performance } from 'node:perf_hooks'
import { nowNs } from '../lib/clock.mjs'
import { BATCH, caseOf, identity } from './cases.mjs'

/** @returns {import('./cases.mjs').Case[]} */
export function atomicsCases() {
  const words = new Int32Array(new SharedArrayBuffer(4096))
  const clockReads = 64
  const before = performance.now()
  const beforeNs = nowNs()
  return [
    caseOf('word/plain', 'for comparison: a plain store and load', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) {
        words[index & 1] = index
        sum += words[index & 1]
      }
      return sum
    }),
    caseOf(
      'word/load',
      'Atomics.load',
      () => 7,
      () => {
        let sum = 0
        words[2] = 7
        for (let index = 0; index < BATCH; index++) sum += Atomics.load(words, 2)
        return sum
      },
    ),
    caseOf('word/store', 'Atomics.store', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) sum += Atomics.store(words, 3, index)
      return sum
    }),
    caseOf('word/add', 'Atomics.add', identity, () => {
      let sum = 0
      words[4] = 0
      for (let index = 0; index < BATCH; index++) sum += Atomics.add(words, 4, 1)
      return sum
    }),
    caseOf(
      'word/exchange',
      'Atomics.exchange',
      (index) => Math.max(0, index - 1),
      () => {
        let sum = 0
        words[5] = 0
        for (let index = 0; index < BATCH; index++) sum += Atomics.exchange(words, 5, index)
        return sum
      },
    ),
    caseOf('word/compare-exchange', 'Atomics.compareExchange that succeeds', identity, () => {
      let sum = 0
      words[6] = 0
      for (let index = 0; index < BATCH; index++) {
        sum += Atomics.compareExchange(words, 6, index, index + 1)
      }
      return sum
    }),
    caseOf(
      'word/notify',
      'Atomics.notify when nobody waits',
      () => 1,
      () => {
        let sum = 0
        for (let index = 0; index < BATCH; index++) if (Atomics.notify(words, 7, 1) === 0) sum++
        return sum
      },
    ),
    caseOf(
      'clock/performance',
      'performance.now',
      () => 1,
      () => {
        let sum = 0
        for (let index = 0; index < clockReads; index++) if (performance.now() >= before) sum++
        return sum
      },
      clockReads,
    ),
    caseOf(
      'clock/hrtime',
      'process.hrtime.bigint as a number',
      () => 1,
      () => {
        let sum = 0
        for (let index = 0; index < clockReads; index++) if (nowNs() >= beforeNs) sum++
        return sum
      },
      clockReads,
    ),
  ]
}
