// Reads a stream of trades and sums them: part by part, or batch by batch.

import { defineAgent, on } from 'flyshuttle'
import { nowNs } from '../lib/clock.mjs'
import { foldTrade } from '../payloads/trade.mjs'
import { READ, Trades, TradesAtOnce } from './streams.mjs'

export default defineAgent({
  name: 'stream-requester',
  handle: [
    on(READ, async ({ first, count, isBatched }, info, context) => {
      let received = 0
      let disordered = 0
      let checksum = 0
      const take = (trade) => {
        if (trade.id !== first + received) disordered++
        received++
        checksum = foldTrade(checksum, trade)
      }
      const startNs = nowNs()
      const parts = context.requestStream(isBatched ? TradesAtOnce : Trades, { first, count })
      if (isBatched) for await (const batch of parts.batches()) batch.forEach(take)
      else for await (const trade of parts) take(trade)
      return { startNs, endNs: nowNs(), received, disordered, checksum }
    }),
  ],
})
