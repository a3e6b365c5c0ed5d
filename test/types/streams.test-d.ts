// What the compiler says of streamed replies and of several replies: parts have the type of the
// rpc's reply.

import { f64, object, on, rpc, u32, utf8 } from 'flyshuttle'
import type { Engine, ManyReplies, ReplyStream } from 'flyshuttle'
import { expectTypeOf, test } from 'vitest'

const Rows = rpc('rows', { request: { from: u32 }, reply: { id: u32, price: f64, name: utf8(8) } })
const Notes = rpc('notes', { request: object<string>(), reply: object<{ text: string }>() })
interface Row {
  id: number
  price: number
  name: string
}
const row: Row = { id: 1, price: 2, name: 'x' }

declare const engine: Engine

test('parts are of the type of the reply, one at a time and in batches', async () => {
  const stream = engine.requestStream(Rows, { from: 1 })
  expectTypeOf(stream).toEqualTypeOf<ReplyStream<Row>>()
  for await (const part of stream) expectTypeOf(part).toEqualTypeOf<Row>()
  for await (const parts of stream.batches()) expectTypeOf(parts).toEqualTypeOf<Row[]>()
  expectTypeOf(engine.requestMany(Rows, { from: 1 })).toEqualTypeOf<ManyReplies<Row>>()
  expectTypeOf(engine.requestMany(Notes, 'x').errors).toEqualTypeOf<readonly unknown[]>()
})

test('of a bare subject they are what the caller says, else unknown', () => {
  expectTypeOf(engine.requestStream<number>('any')).toEqualTypeOf<ReplyStream<number>>()
  expectTypeOf(engine.requestStream('any')).toEqualTypeOf<ReplyStream<unknown>>()
  expectTypeOf(engine.requestMany<string>('any', 1)).toEqualTypeOf<ManyReplies<string>>()
})

test('what is asked must be what the rpc says', () => {
  // @ts-expect-error no such field
  engine.requestStream(Rows, { first: 1 })
  // @ts-expect-error a text is wanted
  engine.requestMany(Notes, 7)
  // @ts-expect-error an option of `requestMany`
  engine.requestStream(Rows, { from: 1 }, { quorum: 2 })
  // @ts-expect-error an option of `requestStream`
  engine.requestMany(Rows, { from: 1 }, { buffer: 2 })
})

test('a handler replies with one value, or with anything that gives them one by one', () => {
  void engine.handle(Rows, () => row)
  void engine.handle(Rows, async () => row)
  void engine.handle(Rows, function* ({ from }) {
    expectTypeOf(from).toEqualTypeOf<number>()
    yield row
  })
  void engine.handle(Rows, async function* () {
    yield row
  })
  void engine.handle(Rows, () => new ReadableStream<Row>())
  void on(Rows, async function* ({ from }) {
    yield { ...row, id: from }
  })
  // @ts-expect-error fields are missing
  void engine.handle(Rows, () => ({ id: 1 }))
  // @ts-expect-error parts of another type
  void engine.handle(Rows, function* () {
    yield { id: 1 }
  })
  // @ts-expect-error parts of another type
  void engine.handle(Rows, async function* () {
    yield 'row'
  })
})
