// The payload of a dead letter, read and sent again.
//
// Its bytes lie outside the region by then, but what the numbers in them mean still stands in the
// dictionary of the thread that encoded them.

import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError } from '../base/errors.js'
import { unpack } from '../codec/compression.js'
import { viewsOf, type Region } from '../memory/region.js'
import type { KeptLetter } from './letter-store.js'
import type { PayloadStage } from './payload.js'
import { PayloadDecoder } from './payload-decoder.js'

type Encoded = Pick<KeptLetter, 'subject' | 'source' | 'codec' | 'typeId' | 'payload' | 'packed'>

/**
 * The value, made anew by each call.
 *
 * @throws ERR_TYPE_UNKNOWN, ERR_FRAME_CORRUPT when the bytes are not what they say
 */
export function readPayload(region: Region, letter: Encoded): unknown {
  return decoderOf(region, letter).decode(letter.subject, null, false)
}

/**
 * Puts the payload on this thread's stage. Structs and raw bytes as they are; plain values are
 * encoded again from `value`, since their bytes use numbers of the other thread.
 *
 * @throws ERR_DICTIONARY_FULL, ERR_TYPE_UNKNOWN, ERR_MESSAGE_TOO_LARGE
 */
export function stagePayload(
  region: Region,
  stage: PayloadStage,
  letter: Encoded,
  value: unknown,
): void {
  const { codec, typeId, subject } = letter
  const payload = plainBytes(letter)
  if (codec === CodecId.Raw || codec === CodecId.None) stage.restore(codec, typeId, payload)
  else if (codec === CodecId.Struct) {
    const canonical = decoderOf(region, letter).canonicalOf(subject, typeId >>> 0)
    stage.adopt(codec, typeId >>> 0, canonical, payload)
  } else stage.stage(null, subject, value)
}

/**
 * The bytes of the payload, not compressed any more.
 *
 * @throws ERR_COMPRESSION_UNAVAILABLE, ERR_FRAME_CORRUPT when they are not what they say
 */
export function plainBytes({ payload, packed, source }: Encoded): Uint8Array {
  if (packed == null) return payload
  try {
    return unpack(payload, packed)
  } catch (error) {
    if (error instanceof FlyshuttleError) throw error
    const data = { thread: source, found: (error as Error).message, wanted: 'a payload' }
    throw new FlyshuttleError('ERR_FRAME_CORRUPT', data)
  }
}

function decoderOf(region: Region, letter: Encoded): PayloadDecoder {
  const { source, codec, typeId } = letter
  const payload = plainBytes(letter)
  const views = viewsOf(new ArrayBuffer((payload.length + 7) & -8))
  views.bytes.set(payload)
  const decoder = new PayloadDecoder(region, null, views)
  decoder.source = source
  decoder.codec = codec
  decoder.typeId = typeId
  decoder.end = payload.length
  return decoder
}
