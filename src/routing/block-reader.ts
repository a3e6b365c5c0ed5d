// The payload of a frame that lies in a block: found, kept while the frame is dispatched, let go.

import type { Lease, Leases } from '../agent/lease.js'
import { CodecId } from '../base/codec-id.js'
import type { Message } from '../codec/message.js'
import { DESCRIPTOR_BYTES, Descriptor } from '../link/descriptor.js'
import type { Views } from '../memory/region.js'
import type { PayloadDecoder } from './payload-decoder.js'

export class BlockReader {
  readonly #leases: Leases
  readonly #u32: Uint32Array
  #isLast = false

  constructor(leases: Leases, { u32 }: Views) {
    this.#leases = leases
    this.#u32 = u32
  }

  /**
   * Has the decoder read the block that its payload, a descriptor, names. False: this thread has no
   * right to it.
   *
   * @throws ERR_FRAME_CORRUPT
   */
  open(decoder: PayloadDecoder): boolean {
    const u32 = this.#u32
    const { pool } = this.#leases
    if (decoder.end - decoder.start !== DESCRIPTOR_BYTES) throw decoder.corrupt('no descriptor')
    const at = decoder.start >>> 2
    const block = u32[at + Descriptor.Block] as number
    const bytes = u32[at + Descriptor.Bytes] as number
    if (block >= pool.layout.blocks) throw decoder.corrupt(`block number ${block}`)
    const start = pool.accept(block, u32[at + Descriptor.Generation] as number, bytes)
    // Sent to a thread that had this place before: lost with it, as all that it had not read.
    if (start < 0) return false
    this.#isLast = u32[at + Descriptor.More] === 0
    decoder.start = start
    decoder.end = start + bytes
    decoder.block = block
    return true
  }

  /** The frame has been dispatched; what was leased of its block stays. */
  close(decoder: PayloadDecoder): void {
    if (decoder.block >= 0 && this.#isLast) this.#leases.pool.finish(decoder.block)
    decoder.block = -1
  }

  /** The bytes where they lie, if that is in a block; else of their own. */
  lease(decoder: PayloadDecoder, subject: string, message: Message<unknown> | null): Lease {
    const { block, start, end, codec } = decoder
    if (block >= 0 && codec === CodecId.Raw) {
      return this.#leases.lease(block, start, end - start, subject)
    }
    return this.#leases.copied(decoder.decode(subject, message, false) as Uint8Array, subject)
  }
}
