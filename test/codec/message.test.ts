import { describe, expect, test } from 'vitest'
import { Message, message, object, raw, rpc, Rpc } from '../../src/codec/message.js'
import { ascii, f64, oneOf, u8 } from '../../src/codec/schema.js'
import { CodecId } from '../../src/base/codec-id.js'

describe('message', () => {
  test('with fields is a struct', () => {
    const Flight = message('flights.departed', { date: f64, origin: ascii(3) })
    expect(Flight).toBeInstanceOf(Message)
    expect(Flight.subject).toBe('flights.departed')
    expect(Flight.codec).toBe(CodecId.Struct)
    expect(Flight.struct?.canonical).toBe('[["date","f64"],["origin",["ascii",3]]]')
    expect(Flight.typeId).toBe(Flight.struct?.typeId)
    expect(Flight.typeId).not.toBe(0)
  })

  test('without fields, or with object(), is msgpack', () => {
    for (const made of [message('a.b'), message('a.b', object<Date>())]) {
      expect(made.codec).toBe(CodecId.Msgpack)
      expect(made).toMatchObject({ subject: 'a.b', struct: null, typeId: 0 })
    }
  })

  test('with raw is bytes', () => {
    const made = message('a.b', raw)
    expect(made).toMatchObject({ subject: 'a.b', codec: CodecId.Raw, struct: null, typeId: 0 })
  })

  test('a field may be called like anything else', () => {
    const made = message('a.b', { value: u8, payload: u8, request: u8, reply: u8 })
    expect(made.codec).toBe(CodecId.Struct)
  })

  test('ordinals are dense: each message has the next one', () => {
    const first = message('a')
    expect(message('a').ordinal).toBe(first.ordinal + 1)
    expect(first.at('b').ordinal).toBe(first.ordinal + 2)
  })

  test('at() keeps the type and the compiled struct', () => {
    const Flight = message('flights.departed', { date: f64 })
    const late = Flight.at('flights.late')
    expect(late.subject).toBe('flights.late')
    expect(late.struct).toBe(Flight.struct)
    expect(late.typeId).toBe(Flight.typeId)
    expect(message('a', raw).at('b').codec).toBe(CodecId.Raw)
  })

  test('cannot be changed', () => {
    const made = message('a.b', { a: u8 })
    expect(() => {
      ;(made as { subject: string }).subject = 'c'
    }).toThrow(TypeError)
  })

  test.each([
    ['', 'it is empty'],
    [3, 'it is no string'],
    [undefined, 'it is no string'],
  ])('refuses %o as a subject', (subject, found) => {
    const refusal = expect.objectContaining({
      code: 'ERR_SUBJECT_INVALID',
      data: expect.objectContaining({ found }),
    })
    expect(() => message(subject as string)).toThrow(refusal)
    expect(() => message(subject as string, { a: u8 })).toThrow(refusal)
    expect(() => rpc(subject as string)).toThrow(refusal)
    expect(() => message('a').at(subject as string)).toThrow(refusal)
  })

  test.each([[null], [3], ['u8'], [{ a: 'u8' }], [[u8]], [{}], [() => 1], [undefined]])(
    'refuses %o as fields',
    (fields) => {
      expect(() => message('a.b', fields as never)).toThrow(
        expect.objectContaining({
          code: 'ERR_SCHEMA_INVALID',
          data: expect.objectContaining({ subject: 'a.b' }),
        }),
      )
    },
  )
})

describe('rpc', () => {
  test('has a message each way on one subject', () => {
    const Worst = rpc('delays.worst', { request: { top: u8 }, reply: object<string[]>() })
    expect(Worst).toBeInstanceOf(Rpc)
    expect(Worst.subject).toBe('delays.worst')
    expect(Worst.request).toMatchObject({ subject: 'delays.worst', codec: CodecId.Struct })
    expect(Worst.reply).toMatchObject({ subject: 'delays.worst', codec: CodecId.Msgpack })
    expect(Worst.request.ordinal).not.toBe(Worst.reply.ordinal)
  })

  test('takes plain values without payloads', () => {
    const any = rpc('a.b')
    expect([any.request.codec, any.reply.codec]).toEqual([CodecId.Msgpack, CodecId.Msgpack])
  })

  test('at() moves both', () => {
    const made = rpc('a', { request: raw, reply: { side: oneOf('x') } }).at('b')
    expect([made.subject, made.request.subject, made.reply.subject]).toEqual(['b', 'b', 'b'])
    expect([made.request.codec, made.reply.codec]).toEqual([CodecId.Raw, CodecId.Struct])
  })

  test('refuses a schema of either side', () => {
    expect(() => rpc('a', { request: {}, reply: raw })).toThrow('schema of a')
    expect(() => rpc('a', { request: raw, reply: {} })).toThrow('schema of a')
  })

  test('refuses a missing side', () => {
    for (const payloads of [{ request: raw }, { reply: raw }, {}, null]) {
      expect(() => rpc('a', payloads as never)).toThrow(
        expect.objectContaining({ code: 'ERR_SCHEMA_INVALID' }),
      )
    }
  })
})
