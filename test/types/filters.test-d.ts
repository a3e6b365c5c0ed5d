// What the compiler says of filters: fields and operands follow the message.

import { ascii, bool, bytes, i16, i64, message, object, on, oneOf, rpc } from 'flyshuttle'
import type { Engine, Filter } from 'flyshuttle'
import { test } from 'vitest'

const Flight = message('flights.delayed', {
  delayMin: i16,
  at: i64,
  late: bool,
  origin: ascii(3),
  side: oneOf('arrival', 'departure'),
  blob: bytes(4),
})
const Note = message('notes', object<{ text: string; user: { name: string } }>())
const Ask = rpc('ask', { request: { top: i16 }, reply: object<number>() })

declare const engine: Engine
const handler = (): void => {}

test('a filter names fields, and compares them with what they hold', () => {
  void engine.subscribe(Flight, handler, { filter: { delayMin: { gte: 60, lt: 90 } } })
  void engine.subscribe(Flight, handler, { filter: { origin: 'ORD', side: { in: ['arrival'] } } })
  void engine.subscribe(Flight, { filter: { at: { gt: 5n }, late: true } })
  void engine.subscribe(Flight, handler, {
    filter: {
      or: [{ late: true }, { not: { origin: { prefix: 'O' } } }],
      headers: { tenant: 'a' },
    },
  })
  void engine.handle(Ask, () => 1, { filter: { top: { lte: 10 } } })
  void on(Flight, handler, { filter: { delayMin: 1 } })
  // @ts-expect-error no such field
  void engine.subscribe(Flight, handler, { filter: { delay: 1 } })
  // @ts-expect-error a text for a number
  void engine.subscribe(Flight, handler, { filter: { delayMin: '1' } })
  // @ts-expect-error a number for a bigint
  void engine.subscribe(Flight, handler, { filter: { at: { gt: 5 } } })
  // @ts-expect-error not one of the options
  void engine.subscribe(Flight, handler, { filter: { side: 'hold' } })
  // @ts-expect-error no such operator
  void engine.subscribe(Flight, handler, { filter: { delayMin: { above: 60 } } })
  // @ts-expect-error no such field, deeper
  void engine.subscribe(Flight, handler, { filter: { or: [{ delay: 1 }] } })
  // @ts-expect-error nothing compares bytes
  void engine.subscribe(Flight, handler, { filter: { blob: { eq: new Uint8Array(1) } } })
  // @ts-expect-error no such field
  void on(Flight, handler, { filter: { delay: 1 } })
})

test('paths reach into plain values, and without a type anything goes', () => {
  void engine.subscribe(Note, handler, { filter: { text: 'x', 'user.name': { prefix: 'a' } } })
  void engine.subscribe('any.*', handler, { filter: { whatever: 1, 'a.b': { exists: true } } })
  const loose: Filter = { a: 1 }
  void engine.subscribe('any.*', handler, { filter: loose })
  // @ts-expect-error no such field
  void engine.subscribe(Note, handler, { filter: { txt: 'x' } })
})
