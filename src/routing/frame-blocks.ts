// The optional blocks of a frame, in the order in which `ring/frame.ts` has them: read once, before
// anything is decided. One object serves all frames of a thread.

import { PRIORITIES } from '../base/priority.js'
import { FRAME_HEADER_BYTES } from '../base/limits.js'
import { NO_HEADERS, decodeHeaders, type Headers } from '../codec/headers.js'
import type { Views } from '../memory/region.js'
import { FRAME_PRIORITY_MASK, FRAME_PRIORITY_SHIFT, FrameFlag, FrameKind } from '../ring/frame.js'
import type { PayloadDecoder } from './payload-decoder.js'

export class FrameBlocks {
  readonly #views: Views
  readonly #decoder: PayloadDecoder
  /** -1: for all plain subscriptions. */
  targetId = -1
  targetGeneration = 0
  incarnation = 0
  counter = 0
  /** CLOCK_MONOTONIC, ms. */
  deadlineMs = Infinity
  /** Parts that may come in reply; -1 for one reply. */
  credit = -1
  /** Null: it has a number. */
  subject: string | null = null
  headers = NO_HEADERS as Headers
  /** Number of a priority; 0 is normal. */
  priority = 0

  constructor(views: Views, decoder: PayloadDecoder) {
    this.#views = views
    this.#decoder = decoder
  }

  /**
   * Reads those of the frame at `word`, and tells the decoder where the payload begins.
   *
   * @throws ERR_FRAME_CORRUPT
   */
  read(kind: number, word: number, word1: number): void {
    const { i32, u32, f64, buffer } = this.#views
    const decoder = this.#decoder
    let at = word + (FRAME_HEADER_BYTES >>> 2)
    this.targetId = -1
    if ((word1 & FrameFlag.Target) !== 0) {
      this.targetId = i32[at++] as number
      this.targetGeneration = u32[at++] as number
    }
    this.incarnation = this.counter = 0
    if ((word1 & FrameFlag.Correlation) !== 0) {
      this.incarnation = i32[at++] as number
      this.counter = i32[at++] as number
    }
    this.deadlineMs = Infinity
    if ((word1 & FrameFlag.Deadline) !== 0) {
      this.deadlineMs = f64[at >>> 1] as number
      at += 2
    }
    this.credit = -1
    if (kind === FrameKind.Request && (word1 & FrameFlag.Stream) !== 0) {
      this.credit = i32[at] as number
      at += 2
    }
    this.subject = null
    if ((word1 & FrameFlag.InlineSubject) !== 0) {
      const bytes = i32[word + 2] as number
      const leftBytes = decoder.end - at * 4
      if (bytes < 1 || bytes > leftBytes) throw decoder.corrupt(`a subject of ${bytes} bytes`)
      this.subject = buffer.toString('latin1', at * 4, at * 4 + bytes)
      at += ((bytes + 7) & -8) >>> 2
    }
    // Not shifted: a region may be larger than 2 GiB.
    let start = at * 4
    this.headers = NO_HEADERS
    if ((word1 & FrameFlag.Headers) !== 0) {
      const bytes = u32[at] as number
      const end = start + 4 + bytes
      const found = end > decoder.end ? null : decodeHeaders(buffer, start + 4, end)
      if (found === null) throw decoder.corrupt(`headers of ${bytes} bytes`)
      this.headers = found
      start += (4 + bytes + 7) & -8
    }
    if ((word1 & FrameFlag.Compressed) !== 0) start = decoder.readPacked(start)
    decoder.start = start
    this.priority = (word1 >>> FRAME_PRIORITY_SHIFT) & FRAME_PRIORITY_MASK
    if (this.priority >= PRIORITIES.length) throw decoder.corrupt(`priority ${this.priority}`)
    if (start > decoder.end) throw decoder.corrupt('blocks beyond its end')
  }
}
