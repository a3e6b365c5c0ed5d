// The subjects of the benchmark, shared by its agents and by the main thread that conducts them.

import { ascii, f64, message, object, oneOf, raw, rpc, u32, u8 } from 'flyshuttle'

export const TRADE = {
  id: u32,
  account: u32,
  book: u32,
  price: f64,
  quantity: f64,
  timeMs: f64,
  side: oneOf('buy', 'sell'),
  flags: u8,
  venue: ascii(2),
}

/** 40 bytes of payload: 3 × 8 + 3 × 4 + 4 × 1. With the frame's header 56. */
export const Trade = message('bench.trade', TRADE)

/** Trades for one node of a mesh. */
export const tradeTo = (node) => message(`bench.trade.${node}`, TRADE)

/** The same values as `payloads/tick.mjs`, through msgpack. */
export const Tick = message('bench.tick', object())

/** The bytes of `payloads/bytes.mjs`, as they are. */
export const Bytes = message('bench.bytes', raw)

/** Payload name → the message that carries it. */
export const MESSAGES = {
  trade: Trade,
  'wanted-trade': Trade,
  tick: Tick,
  'bytes-64': Bytes,
  'bytes-1k': Bytes,
  'bytes-64k': Bytes,
  'frame-1m': Bytes,
}

export const Sum = rpc('bench.sum', {
  request: { id: u32, a: f64, b: f64 },
  reply: { id: u32, sum: f64 },
})

// What the main thread asks of the agents. None of it is measured.
export const PRODUCE = 'bench.produce'
export const EXPECT = 'bench.expect'
export const COMPLETE = 'bench.complete'
export const REPORT = 'bench.report'
export const ASK = 'bench.ask'

/** Where one of several producers or consumers is asked: 'bench.produce.2'. */
export const partOf = (subject, part) => `${subject}.${part}`
