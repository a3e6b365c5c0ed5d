// Values to bytes and back: the trade of 40 bytes as a struct, the tick as msgpack, bytes as they
// are. The encoders write where they write in an engine, into shared memory.

import { deserialize, serialize } from 'node:v8'
import { ascii, f64, oneOf, u32, u8 } from 'flyshuttle'
import {
  compileStruct,
  createRegion,
  Lane,
  MsgpackDecoder,
  MsgpackEncoder,
  planGeometry,
} from 'flyshuttle/testing'
import { tickAt } from '../payloads/tick.mjs'
import { tradeAt } from '../payloads/trade.mjs'
import { BATCH, caseOf, identity } from './cases.mjs'

const SLOT_BYTES = 128
/** Each group of cases has memory of its own: what one left there is what it reads again. */
const GROUP_BYTES = SLOT_BYTES * (BATCH + 1)

/** @returns {import('./cases.mjs').Case[]} */
export function codecCases() {
  const { layout, views } = createRegion(planGeometry(2))
  const base = layout.ring(0, 1, Lane.Bulk)
  return [
    ...structCases(views, base),
    ...msgpackCases(views, base + GROUP_BYTES),
    ...rawCases(views, base + 2 * GROUP_BYTES),
  ]
}

function structCases(views, base) {
  const codec = compileStruct('bench.trade', {
    id: u32,
    account: u32,
    book: u32,
    price: f64,
    quantity: f64,
    timeMs: f64,
    side: oneOf('buy', 'sell'),
    flags: u8,
    venue: ascii(2),
  }).bind(views)
  const trades = Array.from({ length: BATCH }, (_, id) => tradeAt(id))
  const idAt = base >>> 2
  for (let id = 0; id < BATCH; id++) codec.encode(trades[id], base + SLOT_BYTES * (id + 1))
  // Where a small integer lies in the encoded record is not promised: it is looked for.
  codec.encode(tradeAt(0x1234_5678), base)
  const idWord = views.u32.subarray(idAt, idAt + SLOT_BYTES / 4).indexOf(0x1234_5678)

  return [
    caseOf('struct/encode', 'a trade of 9 fields into 40 bytes of shared memory', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) {
        codec.encode(trades[index], base)
        sum += views.u32[idAt + idWord]
      }
      return sum
    }),
    caseOf('struct/decode', 'the same back into an object', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) {
        sum += codec.decode(base + SLOT_BYTES * (index + 1)).id
      }
      return sum
    }),
    caseOf('struct/view-1', 'a view of it, one field read', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) {
        sum += codec.view(base + SLOT_BYTES * (index + 1)).id
      }
      codec.expire()
      return sum
    }),
    caseOf('struct/view-3', 'a view of it, three fields read', threeOf, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) {
        const view = codec.view(base + SLOT_BYTES * (index + 1))
        sum += view.id + view.book + view.quantity
      }
      codec.expire()
      return sum
    }),
  ]
}

function threeOf(id) {
  const { book, quantity } = tradeAt(id)
  return id + book + quantity
}

function msgpackCases(views, base) {
  /** @type {string[][]} */
  let structures = []
  const encoder = new MsgpackEncoder({ structures: [], save: (all) => void (structures = all) })
  const decoder = new MsgpackDecoder({ load: () => structures })
  const ticks = Array.from({ length: BATCH }, (_, id) => tickAt(id))
  const ends = ticks.map((tick, index) => {
    const start = base + SLOT_BYTES * index
    const lengthBytes = encoder.encode('bench.tick', tick)
    encoder.copyTo(views, start)
    return start + lengthBytes
  })
  const cloned = ticks.map((tick) => serialize(tick))
  const lengthOf = (index) => ends[index] - (base + SLOT_BYTES * index)
  const clonedLengthOf = (index) => cloned[index].length

  return [
    caseOf('msgpack/encode', 'a tick of 5 fields, copied into shared memory', lengthOf, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) {
        sum += encoder.encode('bench.tick', ticks[index])
        encoder.copyTo(views, base + SLOT_BYTES * index)
      }
      return sum
    }),
    caseOf('msgpack/decode', 'the same back into an object', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) {
        sum += decoder.decode(views.buffer, base + SLOT_BYTES * index, ends[index]).id
      }
      return sum
    }),
    caseOf('v8/serialize', 'for comparison: a tick by v8.serialize', clonedLengthOf, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) sum += serialize(ticks[index]).length
      return sum
    }),
    caseOf('v8/deserialize', 'the same back into an object', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) sum += deserialize(cloned[index]).id
      return sum
    }),
  ]
}

function rawCases(views, base) {
  return [64, 1024].flatMap((bytes) => {
    const source = new Uint8Array(bytes)
    const last = bytes - 1
    return [
      caseOf(`raw/in-${bytes}`, `${bytes} bytes copied into shared memory`, lowByte, () => {
        let sum = 0
        for (let index = 0; index < BATCH; index++) {
          source[last] = index
          views.bytes.set(source, base)
          sum += views.bytes[base + last]
        }
        return sum
      }),
      caseOf(
        `raw/out-${bytes}`,
        `${bytes} bytes copied out of it, into an array of their own`,
        lowByte,
        () => {
          let sum = 0
          for (let index = 0; index < BATCH; index++) {
            views.bytes[base + last] = index
            sum += views.bytes.slice(base, base + bytes)[last]
          }
          return sum
        },
      ),
    ]
  })
}

function lowByte(index) {
  return index & 0xff
}
