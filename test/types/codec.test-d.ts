// What the compiler says about messages: payload types follow from the schema, and a wrong field is
// an error.

import { expectTypeOf, test } from 'vitest'
import {
  message,
  object,
  raw,
  rpc,
  type Message,
  type PayloadOf,
  type ReplyOf,
  type RequestOf,
  type Rpc,
} from '../../src/codec/message.js'
import {
  ascii,
  bool,
  bytes,
  f32,
  f64,
  i16,
  i64,
  oneOf,
  u32,
  u64,
  u8,
  utf8,
  type Infer,
} from '../../src/codec/schema.js'
import { compileStruct } from '../../src/codec/struct.js'
import type { Views } from '../../src/memory/region.js'

/** Stands for `engine.publish`. */
declare function publish<T>(message: Message<T>, value: NoInfer<T>): void
declare const views: Views

const Order = message('orders.new', {
  id: u32,
  price: f64,
  qty: i16,
  ratio: f32,
  total: i64,
  sequence: u64,
  open: bool,
  side: oneOf('buy', 'sell'),
  code: ascii(3),
  user: utf8(16),
  blob: bytes(32),
})

const good: PayloadOf<typeof Order> = {
  id: 1,
  price: 1,
  qty: 1,
  ratio: 1,
  total: 1n,
  sequence: 1n,
  open: true,
  side: 'buy',
  code: 'ABC',
  user: 'zoë',
  blob: new Uint8Array(3),
}

test('the payload type follows from the fields', () => {
  expectTypeOf<PayloadOf<typeof Order>>().toEqualTypeOf<{
    id: number
    price: number
    qty: number
    ratio: number
    total: bigint
    sequence: bigint
    open: boolean
    side: 'buy' | 'sell'
    code: string
    user: string
    blob: Uint8Array
  }>()
  const fields = { a: u8, b: oneOf('x', 'y', 'z') }
  expectTypeOf<Infer<typeof fields>>().toEqualTypeOf<{ a: number; b: 'x' | 'y' | 'z' }>()
})

test('a right payload is accepted, from a readonly object and a Buffer too', () => {
  publish(Order, good)
  publish(Order, Object.freeze({ ...good }))
  publish(Order, { ...good, blob: Buffer.from('abc') })
})

test('a wrong payload is an error', () => {
  // @ts-expect-error an extra field in a literal
  publish(Order, { ...good, prise: 1 })
  const { price: _, ...withoutPrice } = good
  // @ts-expect-error a missing field
  publish(Order, withoutPrice)
  // @ts-expect-error a field of the wrong type
  publish(Order, { ...good, price: '1' })
  // @ts-expect-error a number where a bigint is wanted
  publish(Order, { ...good, total: 1 })
  // @ts-expect-error an option that was not declared
  publish(Order, { ...good, side: 'hold' })
  // @ts-expect-error any string where an option is wanted
  publish(Order, { ...good, side: good.code })
  // @ts-expect-error undefined is no value
  publish(Order, { ...good, open: undefined })
  // @ts-expect-error an array is no Uint8Array
  publish(Order, { ...good, blob: [1, 2] })
})

test('plain values take the type that was given, unknown without', () => {
  const Note = message<{ text: string; tags?: string[] }>('notes')
  expectTypeOf<PayloadOf<typeof Note>>().toEqualTypeOf<{ text: string; tags?: string[] }>()
  publish(Note, { text: 'a' })
  // @ts-expect-error a field of the wrong type
  publish(Note, { text: 1 })
  expectTypeOf(message('anything')).toEqualTypeOf<Message<unknown>>()
  expectTypeOf(message('notes', object<Date>())).toEqualTypeOf<Message<Date>>()
})

test('raw messages carry bytes', () => {
  const Frame = message('frames', raw)
  expectTypeOf(Frame).toEqualTypeOf<Message<Uint8Array>>()
  publish(Frame, Buffer.from('abc'))
  // @ts-expect-error a string is no Uint8Array
  publish(Frame, 'abc')
})

test('the same type on another subject', () => {
  expectTypeOf(Order.at('orders.late')).toEqualTypeOf(Order)
})

test('an rpc types both ways, each with its own codec', () => {
  const Worst = rpc('delays.worst', { request: { top: u8 }, reply: object<{ code: string }[]>() })
  expectTypeOf(Worst).toEqualTypeOf<Rpc<{ top: number }, { code: string }[]>>()
  expectTypeOf<RequestOf<typeof Worst>>().toEqualTypeOf<{ top: number }>()
  expectTypeOf<ReplyOf<typeof Worst>>().toEqualTypeOf<{ code: string }[]>()
  const echo = rpc('echo', { request: raw, reply: raw })
  expectTypeOf(echo).toEqualTypeOf<Rpc<Uint8Array, Uint8Array>>()
  expectTypeOf(rpc<string, Date>('when')).toEqualTypeOf<Rpc<string, Date>>()
  expectTypeOf(rpc('any')).toEqualTypeOf<Rpc<unknown, unknown>>()
  expectTypeOf(Worst.at('delays.best')).toEqualTypeOf(Worst)
})

test('any message passes where the payload does not matter', () => {
  expectTypeOf(Order).toExtend<Message<unknown>>()
  expectTypeOf(rpc('a', { request: { top: u8 }, reply: raw })).toExtend<Rpc<unknown, unknown>>()
})

test('a wrong schema is an error', () => {
  // @ts-expect-error a type by name
  message('a', { id: 'u32' })
  // @ts-expect-error ascii needs its length
  message('a', { id: ascii })
  // @ts-expect-error oneOf needs an option
  oneOf()
  // @ts-expect-error options are strings
  oneOf(1, 2)
  // @ts-expect-error an rpc needs both
  rpc('a', { request: { top: u8 } })
})

test('a compiled struct has the payload type', () => {
  const bound = compileStruct('a', { id: u32, side: oneOf('x') }).bind(views)
  expectTypeOf(bound.decode(0)).toEqualTypeOf<{ id: number; side: 'x' }>()
  expectTypeOf(bound.view(0)).toEqualTypeOf<{ id: number; side: 'x' }>()
  // @ts-expect-error a missing field
  bound.encode({ id: 1 }, 0)
})
