// How much of what was sent on one link in blocks is still unread.
//
// The ring says nothing about it: a descriptor is small. What its reader has received, it reads or
// keeps at its own expense; only what is under way counts. Frames of a link are read in order, so
// looking at the oldest is enough, and whoever waits is woken once, when enough has been read.

import { CHUNK_WINDOW_BYTES, CHUNK_WINDOW_MESSAGES } from '../base/limits.js'
import type { ChunkPool } from './chunk-pool.js'

interface Sent {
  readonly block: number
  readonly generation: number
  readonly bytes: number
}

export class ChunkWindow {
  readonly #pool: ChunkPool
  readonly #to: number
  /** What was sent, the oldest first; those before `#start` have been read. */
  #sent: Sent[] = []
  #start = 0
  #bytes = 0

  constructor(pool: ChunkPool, to: number) {
    this.#pool = pool
    this.#to = to
  }

  add(sent: Sent): void {
    this.#settle()
    this.#sent.push(sent)
    this.#bytes += sent.bytes
  }

  /** Whether more than this share of what may be is unread, and not just one message. */
  isAbove(share: number): boolean {
    if (!exceeds(share, this.#sent.length - this.#start, this.#bytes)) return false
    this.#settle()
    return exceeds(share, this.#sent.length - this.#start, this.#bytes)
  }

  /** True: no more than that is unread. False: we are woken when so much has been read. */
  awaitBelow(share: number): boolean {
    while (this.isAbove(share)) {
      const { block, generation } = this.#lastAbove(share)
      if (this.#pool.awaitReceived(block, generation, this.#to)) return false
    }
    return true
  }

  /** The message with whose receipt no more than that is unread. */
  #lastAbove(share: number): Sent {
    let bytes = this.#bytes
    let index = this.#start
    for (; ; index++) {
      const sent = this.#sent[index] as Sent
      bytes -= sent.bytes
      if (!exceeds(share, this.#sent.length - index - 1, bytes)) return sent
    }
  }

  #settle(): void {
    while (this.#start < this.#sent.length) {
      const { block, generation, bytes } = this.#sent[this.#start] as Sent
      if (this.#pool.isDue(block, generation, this.#to)) break
      this.#bytes -= bytes
      this.#start++
    }
    if (this.#start < CHUNK_WINDOW_MESSAGES) return
    this.#sent = this.#sent.slice(this.#start)
    this.#start = 0
  }
}

/** Two may always be under way, however large. */
function exceeds(share: number, messages: number, bytes: number): boolean {
  if (messages < 2) return false
  return messages > CHUNK_WINDOW_MESSAGES * share || bytes > CHUNK_WINDOW_BYTES * share
}
