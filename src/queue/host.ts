// What a work queue needs of the thread around it; the bus provides it.

import type { Clock } from '../base/clock.js'
import type { ChunkPool } from '../link/chunk-pool.js'
import type { Region } from '../memory/region.js'
import type { DeadLetter } from '../routing/dead-letter.js'
import type { PayloadDecoder } from '../routing/payload-decoder.js'
import type { PayloadStage } from '../routing/payload.js'
import type { QueuePlace, QueueWish } from './options.js'

export interface QueueHost {
  readonly region: Region
  readonly thread: number
  readonly incarnation: number
  readonly clock: Clock
  /** Blocks for jobs that no slot holds. */
  readonly pool: ChunkPool
  readonly stage: PayloadStage
  readonly decoder: PayloadDecoder
  /** Has a thread, this one too, drain its inbox soon, and so look at its queues. */
  wake(thread: number): void
  /** Keeps the loop alive while something is pending; calls pair up. */
  hold(isHeld: boolean): void
  /** Asks thread 0 for a queue. */
  openQueue(wish: QueueWish): Promise<QueuePlace>
  /** Keeps a dead job; resolves when it is kept. */
  bury(letter: DeadLetter): Promise<void>
  /** An error that nobody waits for. */
  report(error: unknown, queue: string): void
}
