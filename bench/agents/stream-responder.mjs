// Replies with a stream of trades: by an async generator, or by a plain one.

import { defineAgent, on } from 'flyshuttle'
import { tradeAt } from '../payloads/trade.mjs'
import { Trades, TradesAtOnce } from './streams.mjs'

export default defineAgent({
  name: 'stream-responder',
  handle: [
    on(Trades, async function* ({ first, count }) {
      for (let id = first; id < first + count; id++) yield tradeAt(id)
    }),
    on(TradesAtOnce, function* ({ first, count }) {
      for (let id = first; id < first + count; id++) yield tradeAt(id)
    }),
  ],
})
