// What the compiler says of policies: the key is a field of the message.

import { bytes, message, object, on, rpc, u32, utf8 } from 'flyshuttle'
import type { Engine, QueuePolicy } from 'flyshuttle'
import { test } from 'vitest'

const Order = message('orders', { id: u32, user: utf8(16), blob: bytes(4) })
const Note = message('notes', object<{ text: string; at: { ms: number } }>())
const Ask = rpc('ask', { request: { symbol: utf8(8) }, reply: object<number>() })

declare const engine: Engine
const handler = (): void => {}

test('a policy is one of those there are', () => {
  void engine.subscribe(Order, handler, { queue: 'q', policy: 'round-robin' })
  void engine.subscribe(Order, handler, { queue: 'q', policy: 'least-loaded' })
  void engine.subscribe(Order, handler, { queue: 'q', policy: 'two-choices' })
  void engine.subscribe(Order, handler, { queue: 'q', policy: 'weighted', weight: 3 })
  void engine.subscribe('any', handler, { queue: 'q', policy: 'key' })
  const policy: QueuePolicy = { strict: true }
  void engine.handle('ask', () => 1, { policy })
  // @ts-expect-error no such policy
  void engine.subscribe(Order, handler, { queue: 'q', policy: 'random' })
  // @ts-expect-error no such rule of a key policy
  void engine.subscribe(Order, handler, { queue: 'q', policy: { field: 'user' } })
})

test('a key is a field that can be one', () => {
  void engine.subscribe(Order, handler, { queue: 'q', policy: { key: 'user', strict: true } })
  void engine.subscribe(Note, handler, { queue: 'q', policy: { key: 'text' } })
  void engine.subscribe('any', handler, { queue: 'q', policy: { key: 'whatever' } })
  void engine.handle(Ask, () => 1, { policy: { key: 'symbol' } })
  void on(Order, handler, { policy: { key: 'id' } })
  // @ts-expect-error no such field
  void engine.subscribe(Order, handler, { queue: 'q', policy: { key: 'name' } })
  // @ts-expect-error bytes are no key
  void engine.subscribe(Order, handler, { queue: 'q', policy: { key: 'blob' } })
  // @ts-expect-error an object is no key
  void engine.subscribe(Note, handler, { queue: 'q', policy: { key: 'at' } })
})
