import { describe, expect, test } from 'vitest'
import { message, raw, object } from '../../src/codec/message.js'
import { MsgpackDecoder } from '../../src/codec/msgpack.js'
import { ascii, f64, u32 } from '../../src/codec/schema.js'
import { DictionaryReader, DictionaryWriter } from '../../src/memory/dictionary.js'
import type { Region } from '../../src/memory/region.js'
import { CodecId } from '../../src/base/codec-id.js'
import { PayloadStage } from '../../src/routing/payload.js'
import { smallRegion } from '../link/small-region.js'

const Trade = message('trades', { id: u32, price: f64, side: ascii(4) })
const Frame = message('frames', raw)
const Any = message('any', object<unknown>())

function make(
  bytesMax = 1000,
  dictionaryBytes = 4096,
  largeBytesMax = 0,
): { stage: PayloadStage; region: Region } {
  const region = smallRegion(2, { dictionaryBytes })
  const dictionary = new DictionaryWriter(region, 0)
  return { stage: new PayloadStage(bytesMax, largeBytesMax, dictionary, null), region }
}

/** What is staged, copied into the region's first ring and decoded as msgpack. */
function decoded(stage: PayloadStage, region: Region): unknown {
  const { views, layout } = region
  const at = layout.ring(0, 1, 1)
  stage.copyTo(views, at)
  const dictionary = new DictionaryReader(region, 0)
  const decoder = new MsgpackDecoder({ load: () => dictionary.structures() })
  return decoder.decode(views.buffer, at, at + stage.bytes)
}

describe('a payload stage', () => {
  test('stages a struct as its codec writes it, and its type for everybody to read', () => {
    const { stage, region } = make()
    const value = { id: 7, price: 9.5, side: 'buy' }
    stage.stage(Trade, 'trades', value)
    expect(stage).toMatchObject({ codec: CodecId.Struct, typeId: Trade.typeId, bytes: 16 })
    const at = region.layout.ring(0, 1, 1)
    stage.copyTo(region.views, at)
    expect(Trade.struct?.bind(region.views).decode(at)).toEqual(value)
    expect(new DictionaryReader(region, 0).type(Trade.typeId)).toBe(Trade.struct?.canonical)
  })

  test.each([
    ['undefined', undefined, CodecId.None],
    ['a Uint8Array', Uint8Array.of(1), CodecId.Raw],
    ['a Buffer', Buffer.from('ab'), CodecId.Raw],
    ['null', null, CodecId.Msgpack],
    ['a number', 1, CodecId.Msgpack],
    ['an ArrayBuffer', new ArrayBuffer(3), CodecId.Msgpack],
    ['another typed array', new Float64Array(2), CodecId.Msgpack],
  ])('chooses a codec for %s', (_, value, codec) => {
    const { stage } = make()
    stage.stage(null, 'a', value)
    expect(stage.codec).toBe(codec)
    expect(stage.typeId).toBe(0)
  })

  test.each([0, 1, 3, 255, 256, 257, 1000])('copies %i raw bytes whole', (bytes) => {
    const { stage, region } = make()
    const value = Uint8Array.from({ length: bytes }, (_, i) => (i * 31) & 0xff)
    stage.stage(Frame, 'frames', value)
    const at = region.layout.ring(0, 1, 1)
    region.views.bytes.fill(0xee, at, at + 1024)
    stage.copyTo(region.views, at)
    expect([...region.views.bytes.slice(at, at + bytes)]).toEqual([...value])
    // At most the padding of the frame is touched besides.
    expect(region.views.bytes[at + ((bytes + 7) & -8)]).toBe(0xee)
  })

  test('stages any value that msgpack carries', () => {
    const { stage, region } = make()
    const value = { a: [1, 'two', null], b: new Map([[1, { c: undefined }]]), d: new Date(5) }
    stage.stage(Any, 'any', value)
    expect(stage.codec).toBe(CodecId.Msgpack)
    expect(decoded(stage, region)).toEqual(value)
  })

  test('is not disturbed by a value that stages another while it is encoded', () => {
    const { stage, region } = make()
    class Inner {
      toJSON(): string {
        stage.stage(Any, 'any', { inner: 1 })
        return 'told'
      }
    }
    stage.stage(null, 'a', { first: 'x'.repeat(50), inner: new Inner(), last: [1, 2, 3] })
    expect(decoded(stage, region)).toEqual({
      first: 'x'.repeat(50),
      inner: 'told',
      last: [1, 2, 3],
    })
    const bytes = {
      id: 1,
      price: 2,
      get side() {
        stage.stage(Frame, 'frames', new Uint8Array(40).fill(9))
        return 'sell'
      },
    }
    stage.stage(Trade, 'trades', bytes)
    const at = region.layout.ring(0, 1, 1)
    stage.copyTo(region.views, at)
    expect(stage.codec).toBe(CodecId.Struct)
    expect(Trade.struct?.bind(region.views).decode(at)).toEqual({ id: 1, price: 2, side: 'sell' })
  })

  test('gives bytes away for later, and takes them back', () => {
    const { stage, region } = make()
    stage.stage(Any, 'any', { kept: true })
    const { codec, typeId } = stage
    const payload = stage.take()
    stage.stage(Frame, 'frames', new Uint8Array(99))
    stage.restore(codec, typeId, payload)
    expect(decoded(stage, region)).toEqual({ kept: true })
  })

  test.each([
    ['raw bytes', Frame, new Uint8Array(101)],
    ['a struct', message('big', { text: ascii(101) }), { text: '' }],
    ['an object', Any, 'x'.repeat(101)],
  ])('refuses %s beyond its size', (_, target, value) => {
    const { stage } = make(100)
    expect(() => stage.stage(target, 'a', value)).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_TOO_LARGE' }),
    )
  })

  test('takes exactly its size', () => {
    const { stage } = make(100)
    stage.stage(Frame, 'frames', new Uint8Array(100).fill(1))
    expect(stage.take()).toHaveLength(100)
  })

  test.each([1, 'text', null, [1, 2], new Uint16Array(1), new ArrayBuffer(1)])(
    'refuses %o where bytes were declared',
    (value) => {
      const { stage } = make()
      expect(() => stage.stage(Frame, 'frames', value)).toThrow(
        expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
      )
    },
  )

  test('refuses a struct whose type finds no room in the dictionary', () => {
    const { stage } = make(1000, 64)
    const Wide = message('wide', { aLongNameForAField: u32, anotherLongNameForAField: u32 })
    expect(() =>
      stage.stage(Wide, 'wide', { aLongNameForAField: 1, anotherLongNameForAField: 2 }),
    ).toThrow(
      expect.objectContaining({
        code: 'ERR_DICTIONARY_FULL',
        data: { thread: 0, found: Wide.struct?.canonical.length, wanted: 64 },
      }),
    )
  })
})
