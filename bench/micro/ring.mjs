// The ring of one link: both ends in one thread, so no cache line travels between cores. What is
// left is the work of each end: the price that the protocol has even when nobody is in the way.

import {
  createRegion,
  FRAME_KIND_SHIFT,
  FrameKind,
  Lane,
  planGeometry,
  RingReader,
  RingWriter,
} from 'flyshuttle/testing'
import { BATCH, caseOf, identity } from './cases.mjs'

const HEADER_BYTES = 16
/** As in `one-to-one-struct`: 16 bytes of header and 40 of payload. */
const FRAME_BYTES = HEADER_BYTES + 40
const WORD_0 = (FrameKind.Publish << FRAME_KIND_SHIFT) | FRAME_BYTES
const VALUE_AT = HEADER_BYTES >>> 2
const BURST = 64

/** @returns {import('./cases.mjs').Case[]} */
export function ringCases() {
  const { layout, views } = createRegion(planGeometry(2))
  const i32 = views.i32
  const place = {
    words: layout.laneWords(0, 1, Lane.Bulk),
    data: layout.ring(0, 1, Lane.Bulk),
    ringBytes: layout.ringBytes(Lane.Bulk),
  }
  const writer = new RingWriter(i32, place)
  const reader = new RingReader(i32, place)
  let sum = 0
  const take = (offset) => {
    sum += i32[(offset >>> 2) + VALUE_AT]
  }
  const write = (value) => {
    const offset = writer.claim(FRAME_BYTES)
    i32[offset >>> 2] = WORD_0
    i32[(offset >>> 2) + VALUE_AT] = value
    writer.commit()
  }
  const fullPlace = { ...place, words: layout.laneWords(1, 0, Lane.Bulk) }
  const full = new RingWriter(i32, { ...fullPlace, data: layout.ring(1, 0, Lane.Bulk) })
  while (full.claim(FRAME_BYTES) >= 0) full.commit()

  return [
    caseOf('ring/one', 'claim, write, commit, publish and poll one frame', identity, () => {
      sum = 0
      for (let index = 0; index < BATCH; index++) {
        write(index)
        writer.publish()
        reader.poll(take, 1)
      }
      return sum
    }),
    caseOf(
      `ring/burst-${BURST}`,
      `the same, published and polled ${BURST} at a time`,
      identity,
      () => {
        sum = 0
        for (let index = 0; index < BATCH;) {
          for (let end = index + BURST; index < end; index++) write(index)
          writer.publish()
          reader.poll(take, BURST)
        }
        return sum
      },
    ),
    caseOf(
      'ring/claim',
      'claim and commit a frame, publish 64 at a time; none polled one by one',
      () => 1,
      () => {
        let claimed = 0
        for (let index = 0; index < BATCH;) {
          for (let end = index + BURST; index < end; index++) {
            if (writer.claim(FRAME_BYTES) >= 0) claimed++
            writer.commit()
          }
          writer.publish()
          reader.skipAll()
        }
        return claimed
      },
    ),
    caseOf(
      'ring/full',
      'claim a frame in a ring that is full: refused',
      () => -1,
      () => {
        let refused = 0
        for (let index = 0; index < BATCH; index++) refused += full.claim(FRAME_BYTES)
        return refused
      },
    ),
    caseOf(
      'ring/poll-empty',
      'poll a ring that is empty',
      () => 1,
      () => {
        let empty = 0
        for (let index = 0; index < BATCH; index++) if (reader.poll(take, 1) === 0) empty++
        return empty
      },
    ),
  ]
}
