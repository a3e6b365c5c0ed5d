// What is in a slot beside its payload: which codec wrote it, and the job's id, key and headers as
// text behind it.

import type { CodecId } from '../base/codec-id.js'
import { NO_HEADERS, decodeHeaders, type Headers } from '../codec/headers.js'
import type { Views } from '../memory/region.js'
import type { DeathReason } from '../ring/job-ledger.js'
import type { Lane } from '../ring/queue-lane.js'
import {
  SLOT_ADDED,
  SLOT_CODEC,
  SLOT_HEADERS_BYTES,
  SLOT_KEY_HASH,
  SLOT_LARGE,
  SLOT_LEVEL_SHIFT,
  SLOT_META,
  SLOT_PAYLOAD_BYTES,
  SLOT_REASON_SHIFT,
  SLOT_TYPE_ID,
} from '../ring/queue-layout.js'

/** What a job says about itself; most say nothing. */
export interface JobMeta {
  readonly id: Buffer
  readonly key: Buffer
  readonly keyHash: number
  readonly headers: Uint8Array
}

/** A block in one of its lives. */
export interface BlockName {
  readonly block: number
  readonly generation: number
}

const EMPTY = Buffer.alloc(0)
export const NO_META: JobMeta = { id: EMPTY, key: EMPTY, keyHash: 0, headers: EMPTY }

export function metaBytes({ id, key, headers }: JobMeta): number {
  return id.length + key.length + headers.length
}

/** FNV-1a over UTF-16 units, never 0. */
export function hashKey(key: string): number {
  let hash = 0x811c9dc5
  for (let n = 0; n < key.length; n++) hash = Math.imul(hash ^ key.charCodeAt(n), 0x01000193)
  return hash === 0 ? 1 : hash
}

/**
 * Everything in the slot but the payload, which lies there already or comes after. `codec` may have
 * `SLOT_LARGE` with it; `payloadBytes` are those in the slot.
 */
export function writeRecord(
  views: Views,
  lane: Lane,
  slot: number,
  payloadBytes: number,
  codec: number,
  typeId: number,
  level: number,
  meta: JobMeta,
  addedMs: number,
): void {
  const at = lane.slot(slot)
  const { i32 } = views
  i32[(at + SLOT_PAYLOAD_BYTES) >>> 2] = payloadBytes
  i32[(at + SLOT_CODEC) >>> 2] = codec | (level << SLOT_LEVEL_SHIFT)
  i32[(at + SLOT_TYPE_ID) >>> 2] = typeId
  i32[(at + SLOT_KEY_HASH) >>> 2] = meta.keyHash
  i32[(at + SLOT_META) >>> 2] = 0
  i32[(at + SLOT_HEADERS_BYTES) >>> 2] = 0
  views.f64[(at + SLOT_ADDED) >>> 3] = addedMs
  if (meta !== NO_META) writeMeta(views, lane, slot, payloadBytes, meta)
}

function writeMeta(
  views: Views,
  lane: Lane,
  slot: number,
  payloadBytes: number,
  { id, key, headers }: JobMeta,
): void {
  const at = lane.slot(slot)
  const start = lane.payload(slot) + payloadBytes
  views.i32[(at + SLOT_META) >>> 2] = id.length | (key.length << 16)
  views.i32[(at + SLOT_HEADERS_BYTES) >>> 2] = headers.length
  views.bytes.set(id, start)
  views.bytes.set(key, start + id.length)
  views.bytes.set(headers, start + id.length + key.length)
}

/** A job's header as it stands in its slot. Lengths are held to the slot, whoever wrote them. */
export class JobRecord {
  readonly payloadStart: number
  readonly payloadEnd: number
  readonly typeId: number
  readonly addedMs: number
  readonly #views: Views
  readonly #codecWord: number
  readonly #idEnd: number
  readonly #keyEnd: number
  readonly #headersEnd: number

  constructor(views: Views, lane: Lane, slot: number) {
    const at = lane.slot(slot)
    const end = at + lane.slotBytes
    const word = (offset: number): number => views.i32[(at + offset) >>> 2] as number
    const meta = word(SLOT_META)
    this.#views = views
    this.payloadStart = lane.payload(slot)
    this.payloadEnd = Math.min(end, this.payloadStart + (word(SLOT_PAYLOAD_BYTES) >>> 0))
    this.#codecWord = word(SLOT_CODEC)
    this.typeId = word(SLOT_TYPE_ID)
    this.addedMs = views.f64[(at + SLOT_ADDED) >>> 3] as number
    this.#idEnd = Math.min(end, this.payloadEnd + (meta & 0xffff))
    this.#keyEnd = Math.min(end, this.#idEnd + (meta >>> 16))
    this.#headersEnd = Math.min(end, this.#keyEnd + (word(SLOT_HEADERS_BYTES) >>> 0))
  }

  get codec(): CodecId {
    return (this.#codecWord & 15) as CodecId
  }

  get level(): number {
    return (this.#codecWord >>> SLOT_LEVEL_SHIFT) & 15
  }

  get reason(): DeathReason {
    return ((this.#codecWord >>> SLOT_REASON_SHIFT) & 255) as DeathReason
  }

  /** The payload is in a block, whose name is here. */
  get isLarge(): boolean {
    return (this.#codecWord & SLOT_LARGE) !== 0
  }

  /** Of a large job. */
  get block(): BlockName {
    const at = this.payloadStart >>> 2
    const { i32 } = this.#views
    return { block: i32[at] as number, generation: i32[at + 1] as number }
  }

  /** Whether it has an id, a key or headers. */
  get hasMeta(): boolean {
    return this.#headersEnd > this.payloadEnd
  }

  get hasKey(): boolean {
    return this.#keyEnd > this.#idEnd
  }

  get id(): string {
    return this.#views.buffer.toString('utf8', this.payloadEnd, this.#idEnd)
  }

  get key(): string {
    return this.#views.buffer.toString('utf8', this.#idEnd, this.#keyEnd)
  }

  get headers(): Headers {
    if (this.#keyEnd === this.#headersEnd) return NO_HEADERS
    return decodeHeaders(this.#views.buffer, this.#keyEnd, this.#headersEnd) ?? NO_HEADERS
  }
}
