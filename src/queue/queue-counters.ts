// What became of the jobs of a queue, counted in the queue's header: by each thread on a line of
// its own, read by thread 0 for `engine.stats()`.
//
// The line belongs to the place of a thread, so a successor counts on where its predecessor ended.

import { LINE_BYTES } from '../base/limits.js'
import { count, readCount } from '../counters/counter.js'
import { queueLayoutOf, type QueueGeometry } from '../ring/queue-layout.js'

/** Words from the start of a thread's line; a counter takes two. */
export const QueueCounter = { Acked: 0, Redelivered: 2, DeadLetters: 4 } as const
export type QueueCounter = (typeof QueueCounter)[keyof typeof QueueCounter]

export class QueueCounters {
  readonly #i32: Int32Array
  readonly #line: number

  /** `base` is the byte offset of the queue's header. */
  constructor(i32: Int32Array, geometry: QueueGeometry, base: number, thread: number) {
    this.#i32 = i32
    this.#line = (base + queueLayoutOf(geometry).counts + thread * LINE_BYTES) >>> 2
  }

  /** One more, by this thread. */
  add(counter: QueueCounter): void {
    count(this.#i32, this.#line + counter, 1)
  }

  read(counter: QueueCounter): number {
    return readCount(this.#i32, this.#line + counter)
  }
}
