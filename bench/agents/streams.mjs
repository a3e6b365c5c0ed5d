// What the two sides of a streamed reply share.

import { rpc, u32 } from 'flyshuttle'
import { TRADE } from './messages.mjs'

const request = { first: u32, count: u32 }

export const Trades = rpc('bench.trades', { request, reply: TRADE })
export const TradesAtOnce = rpc('bench.trades.at.once', { request, reply: TRADE })

/** Has the requester read a stream. */
export const READ = 'bench.read'
