// How much of what was sent on one link in blocks is still unread.
//
// The ring says nothing about it: a descriptor is small. What its reader has received, it reads or
// keeps at its own expense; only what is under way counts. Frames of a link are read in order, so
// looking at the oldest is enough.

import { Fifo } from '../base/fifo.js'
import type { ChunkPool } from './chunk-pool.js'

interface Sent {
  readonly block: number
  readonly generation: number
  readonly bytes: number
}

export class ChunkWindow {
  readonly #pool: ChunkPool
  readonly #to: number
  readonly #sent = new Fifo<Sent>()
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

  /** Whether more than `bytes` are unread, and not just one message. */
  isAbove(bytes: number): boolean {
    if (this.#sent.length < 2 || this.#bytes <= bytes) return false
    this.#settle()
    return this.#sent.length >= 2 && this.#bytes > bytes
  }

  /** True: no more than `bytes` are unread. False: we are woken when some have been read. */
  awaitBelow(bytes: number): boolean {
    if (!this.isAbove(bytes)) return true
    this.#pool.awaitFree()
    return !this.isAbove(bytes)
  }

  #settle(): void {
    for (let sent = this.#sent.peek(); sent !== undefined; sent = this.#sent.peek()) {
      if (this.#pool.isDue(sent.block, sent.generation, this.#to)) return
      this.#bytes -= sent.bytes
      this.#sent.shift()
    }
  }
}
