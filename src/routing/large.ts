// Sending what no frame carries: into a block of shared memory, which the frames then name.
//
// The sender makes its plan first, so that room for all frames is there. Then the block is taken
// and filled, and everybody who gets a frame is noted in it before the first frame can be seen. A
// thread that has died since the plan was made is taken off again: the note comes before the look,
// and whoever reclaims for the dead says "dead" before it looks for notes, so one of them sees the
// other.

import type { ChunkPool } from '../link/chunk-pool.js'
import { ChunkWindow } from '../link/chunk-window.js'
import { Descriptor } from '../link/descriptor.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import { ThreadState } from '../memory/layout.js'
import type { Views } from '../memory/region.js'
import type { Parcel } from './parcel.js'
import type { PayloadStage } from './payload.js'

/** The frames of a message: one for each of the first so many links. */
export interface Frames {
  readonly links: readonly LinkWriter[]
  readonly frames: number
}

export class LargeSender {
  readonly #pool: ChunkPool
  readonly #views: Views
  readonly #outbox: Outbox
  readonly #stage: PayloadStage
  // The message under way.
  #block = -1
  #generation = 0
  #links: readonly LinkWriter[] = []
  #frames = 0

  constructor(pool: ChunkPool, views: Views, outbox: Outbox, stage: PayloadStage) {
    this.#pool = pool
    this.#views = views
    this.#outbox = outbox
    this.#stage = stage
  }

  /**
   * Begins a message of these frames: what is staged is put into a block, and that is theirs.
   * False: no block is free. With `mayAwait` this thread is woken when one is.
   */
  begin({ links, frames }: Frames, agent: number, subject: number, mayAwait: boolean): boolean {
    const { bytes } = this.#stage
    this.#links = links
    this.#frames = frames
    const { loan } = this.#stage
    if (frames === 0) return true
    if (loan !== null) {
      this.#block = loan.block
      loan.isSent = true
    } else if (!this.#fill(agent, mayAwait)) return false
    let low = 0
    let high = 0
    for (let frame = 0; frame < frames; frame++) {
      const { to } = links[frame] as LinkWriter
      if (to < 32) low |= 1 << to
      else high |= 1 << (to & 31)
    }
    this.#generation = this.#pool.generationOf(this.#block)
    this.#pool.share(this.#block, low, high, bytes, subject)
    return true
  }

  /** Whether the thread of this frame lives. If not, no frame goes there. */
  mayWrite(frame: number): boolean {
    const link = this.#links[frame] as LinkWriter
    if (Atomics.load(this.#views.i32, link.stateIndex) === ThreadState.Alive) return true
    this.#pool.withdraw(this.#block, link.to)
    return false
  }

  /** Writes what a frame holds instead of the payload. */
  describe(frame: number, word: number): void {
    const { i32 } = this.#views
    i32[word + Descriptor.Block] = this.#block
    i32[word + Descriptor.Generation] = this.#generation
    i32[word + Descriptor.Bytes] = this.#stage.bytes
    i32[word + Descriptor.More] = this.#framesAfter(frame)
  }

  /** All frames are written, but for the dead: they leave at once. To be called after `begin`. */
  end(): void {
    for (let frame = 0; frame < this.#frames; frame++) {
      if (this.#framesAfter(frame) > 0) continue
      const link = this.#links[frame] as LinkWriter
      // STEP chunk-publish: each receiver is noted in the block, some may have their frame.
      this.#outbox.flush(link)
      link.window ??= new ChunkWindow(this.#pool, link.to)
      link.window.add({
        block: this.#block,
        generation: this.#generation,
        bytes: this.#stage.bytes,
      })
    }
    if (this.#frames > 0) this.#pool.sent(this.#block)
    this.#links = []
  }

  /** The parcel with its payload in the heap: a loan's lies in its block, which goes. */
  bytesOf(parcel: Parcel): Parcel {
    const { loan } = parcel
    if (loan === null) return parcel
    const start = this.#pool.offsetOf(loan.block)
    return { ...parcel, payload: this.#views.bytes.slice(start, start + loan.length) }
  }

  #fill(agent: number, mayAwait: boolean): boolean {
    const { bytes } = this.#stage
    let block = this.#pool.take(bytes, agent)
    if (block < 0 && mayAwait) {
      this.#pool.awaitFree()
      block = this.#pool.take(bytes, agent)
    }
    if (block < 0) return false
    // STEP chunk-fill: ours alone, so far.
    this.#stage.copyTo(this.#views, this.#pool.offsetOf(block))
    this.#block = block
    return true
  }

  /** How many frames to the same thread come after this one. */
  #framesAfter(frame: number): number {
    let after = 0
    for (let next = frame + 1; next < this.#frames; next++) {
      if (this.#links[next] === this.#links[frame]) after++
    }
    return after
  }
}

/** Whether too much is under way to that thread in blocks for one more. */
export function hasWindow(link: LinkWriter): boolean {
  return link.window === null || !link.window.isAbove(1)
}
