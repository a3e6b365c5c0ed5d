// A struct with a field of every type, and a value that it accepts.

import {
  ascii,
  bool,
  bytes,
  f32,
  f64,
  i16,
  i64,
  i8,
  oneOf,
  u16,
  u32,
  u64,
  u8,
  utf8,
} from '../../src/codec/schema.js'
import { compileStruct } from '../../src/codec/struct.js'
import { viewsOf, type Views } from '../../src/memory/region.js'

export const Everything = compileStruct('all.types', {
  flag: bool,
  code: ascii(3),
  long: ascii(20),
  small: i8,
  tiny: u8,
  delay: i16,
  count: u16,
  id: u32,
  ratio: f32,
  price: f64,
  signed: i64,
  unsigned: u64,
  user: utf8(16),
  block: bytes(10),
  side: oneOf('buy', 'sell'),
})

export const GOOD = {
  flag: true,
  code: 'JFK',
  long: 'twenty characters ok',
  small: -128,
  tiny: 255,
  delay: -32768,
  count: 65535,
  id: 4294967295,
  ratio: 1.5,
  price: 0.1,
  signed: -1n,
  unsigned: 2n ** 64n - 1n,
  user: 'zoë',
  block: new Uint8Array([1, 2, 3]),
  side: 'sell' as const,
}

export function sharedViews(bytesCount = 4096): Views {
  return viewsOf(new SharedArrayBuffer(bytesCount))
}
