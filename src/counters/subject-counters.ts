// What became of messages that found no room, counted for each subject rule by each thread: in
// memory of its own, since only the engine that made the rules knows how many there are.
//
//   thread 0: rule 0: outcome 0 … outcome 5, rule 1: …      counters of two words each
//   thread 1: …
//
// Each thread writes its own part with plain stores, as all counters (`counter.ts`); a successor
// on its place goes on counting.

import { COUNTER_BYTES } from '../memory/layout.js'
import { count, readCount } from './counter.js'

export const SubjectOutcome = {
  /** Had to wait at the sender. */
  Waited: 0,
  /** Was refused with ERR_BACKPRESSURE. */
  Rejected: 1,
  DroppedNewest: 2,
  DroppedOldest: 3,
  /** Its time to live passed while it waited at the sender. */
  Expired: 4,
  /** A lossy receiver went without it. */
  Skipped: 5,
} as const
export type SubjectOutcome = (typeof SubjectOutcome)[keyof typeof SubjectOutcome]

const OUTCOMES = 6
const COUNTER_WORDS = COUNTER_BYTES >>> 2

/** Memory for the counters of so many threads and rules. */
export function subjectCountersFor(threads: number, rules: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(threads * rules * OUTCOMES * COUNTER_BYTES))
}

export class SubjectCounters {
  readonly #i32: Int32Array
  readonly #start: number

  constructor(i32: Int32Array, thread: number, rules: number) {
    this.#i32 = i32
    this.#start = thread * rules * OUTCOMES * COUNTER_WORDS
  }

  add(rule: number, outcome: SubjectOutcome, by = 1): void {
    count(this.#i32, this.#indexOf(rule, outcome), by)
  }

  read(rule: number, outcome: SubjectOutcome): number {
    return readCount(this.#i32, this.#indexOf(rule, outcome))
  }

  #indexOf(rule: number, outcome: SubjectOutcome): number {
    return this.#start + (rule * OUTCOMES + outcome) * COUNTER_WORDS
  }
}
