// The ids of jobs that were added lately, in memory that all threads share: a job whose id is known
// is not added again, whichever thread adds it.
//
//   bucket  ┌──────┬───────┬──────────────────────────────┬─ … ─┐   128 bytes, seven entries
//           │ lock │ 3 × 0 │ hash 64 bits · until ms · by │     │
//           └──────┴───────┴──────────────────────────────┴─ … ─┘
//
// `by` is 0 once the job was accepted; until then it names the thread that is adding it, and its
// life: what such a thread did not finish before it died never happened. A bucket is locked by
// thread and life as well; a lock is broken on proven death alone, and never waited for: whoever
// finds one asks again in a later turn of its loop.

import { ID_BUCKET_BYTES, IDS_PER_BUCKET } from './queue-layout.js'

/**
 * `busy`: another thread is at the same id, or at its bucket; ask again. `full`: no room before an
 * id expires.
 */
export type IdOutcome = 'new' | 'known' | 'busy' | 'full'

const ENTRY_WORDS = 4
const FIRST_ENTRY = 4
const HASH_HIGH = 1
const UNTIL = 2
const BY = 3
const LIFE_BITS = 24
const LIFE = (1 << LIFE_BITS) - 1

export class RememberedIds {
  readonly #i32: Int32Array
  readonly #first: number
  readonly #buckets: number
  readonly #name: number
  readonly #lifeOf: (thread: number) => number
  #pending = -1

  /** `first`: index of the first bucket's first word. */
  constructor(
    i32: Int32Array,
    place: { readonly first: number; readonly buckets: number },
    self: { readonly thread: number; readonly incarnation: number },
    lifeOf: (thread: number) => number,
  ) {
    this.#i32 = i32
    this.#first = place.first
    this.#buckets = place.buckets
    this.#name = nameOf(self.thread, self.incarnation)
    this.#lifeOf = lifeOf
  }

  /**
   * Notes an id until `untilMs`. After `new` the job is to be added, and then `confirm` or `forget`
   * to be called, before any other id.
   */
  note(id: string, nowMs: number, untilMs: number): IdOutcome {
    const { low, high, bucket } = hashOf(id, this.#buckets)
    const start = this.#first + bucket * (ID_BUCKET_BYTES >>> 2)
    // SYNC id-lock: pairs with id-lock in #unlock. What is in the bucket is whole.
    if (!this.#lock(start)) return 'busy'
    const outcome = this.#noteWithin(start, low, high, nowMs, untilMs)
    this.#unlock(start)
    return outcome
  }

  /** The job that was noted last is accepted. */
  confirm(): void {
    // STEP id-confirm: the job can be seen by all already.
    Atomics.store(this.#i32, this.#pending + BY, 0)
  }

  /** The job that was noted last is not added after all. */
  forget(): void {
    // STEP id-confirm: as if it had never been noted.
    Atomics.store(this.#i32, this.#pending + UNTIL, 0)
    Atomics.store(this.#i32, this.#pending + BY, 0)
  }

  #noteWithin(start: number, low: number, high: number, nowMs: number, untilMs: number): IdOutcome {
    const i32 = this.#i32
    const now = Math.floor(nowMs) | 0
    let free = -1
    for (let n = 0; n < IDS_PER_BUCKET; n++) {
      const at = start + FIRST_ENTRY + n * ENTRY_WORDS
      const by = Atomics.load(i32, at + BY)
      const until = Atomics.load(i32, at + UNTIL)
      const isOver = until === 0 || (((until - now) | 0) <= 0 && by === 0)
      if (isOver || (by !== 0 && !this.#isAlive(by))) free = at
      else if (i32[at] === low && i32[at + HASH_HIGH] === high) return by === 0 ? 'known' : 'busy'
    }
    if (free < 0) return 'full'
    i32[free] = low
    i32[free + HASH_HIGH] = high
    Atomics.store(i32, free + BY, this.#name)
    // 0 says "none", so a time is never 0.
    Atomics.store(i32, free + UNTIL, Math.ceil(untilMs) | 0 || 1)
    this.#pending = free
    return 'new'
  }

  #lock(start: number): boolean {
    const holder = Atomics.load(this.#i32, start)
    if (holder !== 0 && this.#isAlive(holder)) return false
    return Atomics.compareExchange(this.#i32, start, holder, this.#name) === holder
  }

  #unlock(start: number): void {
    // SYNC id-lock: pairs with id-lock in note. The entry is whole before the next one looks.
    Atomics.store(this.#i32, start, 0)
  }

  #isAlive(name: number): boolean {
    const life = this.#lifeOf(((name >>> LIFE_BITS) & 255) - 1)
    return life !== 0 && (life & LIFE) === (name & LIFE)
  }
}

/** A thread in one of its lives, as a word that is never 0. */
function nameOf(thread: number, incarnation: number): number {
  return ((thread + 1) << LIFE_BITS) | (incarnation & LIFE)
}

/** 64 bits of an id beside its bucket: FNV-1a, and a second one that begins elsewhere. */
function hashOf(id: string, buckets: number): { low: number; high: number; bucket: number } {
  let low = 0x811c9dc5
  let high = 0x1b873593
  for (let n = 0; n < id.length; n++) {
    const unit = id.charCodeAt(n)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ (unit + n), 0x5bd1e995)
    high ^= high >>> 15
  }
  high = Math.imul(high ^ (high >>> 13), 0x85ebca6b)
  const mixed = Math.imul(low ^ (low >>> 16), 0x2c1b3c6d)
  return { low: low | 0, high: high | 0, bucket: (mixed ^ (mixed >>> 13)) & (buckets - 1) }
}
