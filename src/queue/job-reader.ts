// From a claimed or dead job to its value, or to its bytes: for the port of its queue.

import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError } from '../base/errors.js'
import type { Message } from '../codec/message.js'
import type { BoundStruct } from '../codec/struct.js'
import type { Lane } from '../ring/queue-lane.js'
import type { QueueHost } from './host.js'
import type { JobRecord } from './job-record.js'
import type { LargeJobs } from './large-jobs.js'

export class JobReader {
  readonly #host: QueueHost
  readonly #queue: string
  readonly #message: Message<any> | null
  readonly #struct: BoundStruct<unknown> | null
  readonly #typeId: number
  readonly #large: LargeJobs

  constructor(host: QueueHost, queue: string, message: Message<any> | null, large: LargeJobs) {
    this.#host = host
    this.#queue = queue
    this.#message = message
    this.#struct = message?.struct?.bind(host.region.views) ?? null
    this.#typeId = message?.typeId ?? 0
    this.#large = large
  }

  /** The value of a job. @throws ERR_FRAME_CORRUPT when what lies there is none */
  read(lane: Lane, record: JobRecord): unknown {
    if (!record.isLarge) return this.#decode(lane, record, record.payloadStart, record.payloadEnd)
    const extent = this.#large.find(record)
    if (extent !== null) return this.#decode(lane, record, extent.start, extent.end)
    throw new FlyshuttleError('ERR_FRAME_CORRUPT', {
      thread: lane.thread,
      found: `a job that names block ${record.block.block}`,
      wanted: 'a block that holds it',
    })
  }

  /** What a job lies there as, whatever it is; nothing when its block is not its own. */
  bytesOf(record: JobRecord): Uint8Array {
    const { bytes } = this.#host.region.views
    if (!record.isLarge) return bytes.slice(record.payloadStart, record.payloadEnd)
    const { start, end } = this.#large.find(record) ?? { start: 0, end: 0 }
    return bytes.slice(start, end)
  }

  #decode(lane: Lane, record: JobRecord, start: number, end: number): unknown {
    const isOurs = record.codec === CodecId.Struct && record.typeId >>> 0 === this.#typeId
    if (this.#struct !== null && isOurs) return this.#struct.decode(start)
    const { decoder } = this.#host
    decoder.source = lane.thread
    decoder.codec = record.codec
    decoder.typeId = record.typeId
    decoder.start = start
    decoder.end = end
    return decoder.decode(this.#queue, this.#message, false)
  }
}
