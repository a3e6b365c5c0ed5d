// What every consumer does with every message, whichever contender brought it: check the order, add
// to the sum, notice the last one.
//
// Several producers share the sequence numbers: number n comes from producer n % producers, and
// each of them keeps its own order. The evidence goes to the harness as it is. Whether it will do
// is decided there (`verdict.mjs`).

import { nowNs } from './clock.mjs'

/** More than V8 keeps on its moving heap: compiled code knows where they lie. */
const COUNTS_LENGTH = 32

/**
 * Numbers and counts have to be below 2^31: beyond, a run would be refused as disordered.
 *
 * @template T
 * @param {{ idOf: (value: T) => number, fold: (sum: number, value: T) => number }} payload
 * @param {{ producers?: number }} [options]
 */
export function createTally({ idOf, fold }, { producers = 1 } = {}) {
  // Counts in an array and not in variables: of those that functions share, V8 makes sure at every
  // use that they have a value yet.
  const counts = new Int32Array(COUNTS_LENGTH)
  const [WANTED, RECEIVED, DISORDERED, SUM, NEXT_ID] = [0, 1, 2, 3, 4]
  const nextIds = new Array(producers).fill(0)
  let endNs = 0
  /** @type {((value?: unknown) => void) | null} */
  let onComplete = null

  const end = () => {
    endNs = nowNs()
    onComplete?.()
  }

  const add = (value) => {
    counts[SUM] = fold(counts[SUM], value)
    if (++counts[RECEIVED] === counts[WANTED]) end()
  }

  return {
    /**
     * Begins to count anew. The producers must not start before this has been done: a message that
     * overtook it would be missed.
     *
     * @param {{ first: number, count: number }} job
     */
    expect({ first, count }) {
      counts.fill(0)
      counts[WANTED] = count
      counts[NEXT_ID] = first
      endNs = 0
      for (let id = first; id < first + producers; id++) nextIds[id % producers] = id
    },

    /** Resolves once all that is expected has come. */
    async complete() {
      if (counts[RECEIVED] < counts[WANTED]) await new Promise((resolve) => (onComplete = resolve))
    },

    /** To be called with every message. */
    take:
      producers === 1
        ? // Apart from several producers: a division per message would be seen.
          (value) => {
            const id = idOf(value)
            if (id !== counts[NEXT_ID]) counts[DISORDERED]++
            counts[NEXT_ID] = id + 1
            add(value)
          }
        : (value) => {
            const id = idOf(value)
            const producer = id % producers
            if (id !== nextIds[producer]) counts[DISORDERED]++
            nextIds[producer] = id + producers
            add(value)
          },

    /** What has come so far. */
    report: () => ({
      received: counts[RECEIVED],
      disordered: counts[DISORDERED],
      checksum: counts[SUM],
      endNs,
    }),
  }
}

/**
 * What to call with every message of a payload, of which not all may be wanted.
 *
 * @template T
 * @param {{ take: (value: T) => void }} tally
 * @param {{ isWanted?: (value: T) => boolean }} payload
 */
export function takeWanted({ take }, { isWanted }) {
  return isWanted === undefined
    ? take
    : (value) => {
        if (isWanted(value)) take(value)
      }
}

/**
 * The first sequence number of one of several producers.
 *
 * @param {number} first of all of them
 * @param {number} producer from 0
 * @param {number} producers
 */
export function firstIdOf(first, producer, producers) {
  return first + ((producer - (first % producers) + producers) % producers)
}
