// What every consumer does with every message, whichever contender brought it: check the order, add
// to the sum, notice the last one.
//
// Several producers share the sequence numbers: number n comes from producer n % producers, and
// each of them keeps its own order. The evidence goes to the harness as it is. Whether it will do
// is decided there (`verdict.mjs`).

import { nowNs } from './clock.mjs'

/**
 * @template T
 * @param {{ idOf: (value: T) => number, fold: (sum: number, value: T) => number }} payload
 * @param {{ producers?: number }} [options]
 */
export function createTally({ idOf, fold }, { producers = 1 } = {}) {
  let wanted = 0
  let received = 0
  let disordered = 0
  let sum = 0
  let endNs = 0
  /** From a lone producer. Apart from the others: a division per message would be seen. */
  let nextId = 0
  const nextIds = new Array(producers).fill(0)
  /** @type {((value?: unknown) => void) | null} */
  let onComplete = null

  const add = (value) => {
    sum = fold(sum, value)
    if (++received === wanted) {
      endNs = nowNs()
      onComplete?.()
    }
  }

  return {
    /**
     * Begins to count anew. The producers must not start before this has been done: a message that
     * overtook it would be missed.
     *
     * @param {{ first: number, count: number }} job
     */
    expect({ first, count }) {
      wanted = count
      received = disordered = sum = endNs = 0
      nextId = first
      for (let id = first; id < first + producers; id++) nextIds[id % producers] = id
    },

    /** Resolves once all that is expected has come. */
    async complete() {
      if (received < wanted) await new Promise((resolve) => (onComplete = resolve))
    },

    /** To be called with every message. */
    take:
      producers === 1
        ? (value) => {
            const id = idOf(value)
            if (id !== nextId) disordered++
            nextId = id + 1
            add(value)
          }
        : (value) => {
            const id = idOf(value)
            const producer = id % producers
            if (id !== nextIds[producer]) disordered++
            nextIds[producer] = id + producers
            add(value)
          },

    /** What has come so far. */
    report: () => ({ received, disordered, checksum: sum, endNs }),
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
