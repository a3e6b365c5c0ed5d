// What one message type needs on its way out of a thread: its route, and for structs the encoder
// that writes straight into the ring. Made when the thread first publishes the message; the sender
// keeps it at hand, so that publishing looks nothing up.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import type { BoundStruct } from '../codec/struct.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import type { Views } from '../memory/region.js'
import { FRAME_CODEC_SHIFT } from '../ring/frame.js'
import type { Route } from './route-table.js'

export interface Outlet {
  readonly route: Route
  /** Encoder straight into the region; null where a message has to be staged. */
  readonly struct: BoundStruct<unknown> | null
  /** Of the whole frame, when `struct` is not null. */
  readonly lengthBytes: number
  /** Word 1 of the frame, without the agent. */
  readonly word1: number
}

export function openOutlet(
  message: Message<unknown>,
  route: Route,
  views: Views,
  dictionary: DictionaryWriter,
  frameBytesMax: number,
): Outlet {
  const { struct, typeId } = message
  const lengthBytes = FRAME_HEADER_BYTES + (struct?.bytes ?? 0)
  const isDirect =
    struct !== null &&
    route.subjectId !== 0 &&
    lengthBytes <= frameBytesMax &&
    dictionary.addType(typeId, struct.canonical)
  return {
    route,
    struct: isDirect ? struct.bind(views) : null,
    lengthBytes,
    word1: message.codec << FRAME_CODEC_SHIFT,
  }
}
