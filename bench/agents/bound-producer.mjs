// A producing agent that makes no objects: `context.publisher()` takes the fields as arguments.

import { defineAgent, on } from 'flyshuttle'
import { nowNs } from '../lib/clock.mjs'
import { sendTrade, TRADE_FIELDS } from '../payloads/trade.mjs'
import { partOf, PRODUCE, Trade } from './messages.mjs'

/** Publishes `count` trades from `first` on; replies when that is done. */
export default defineAgent({
  name: 'bound-producer',
  handle: [
    on(partOf(PRODUCE, 0), async ({ first, count }, info, context) => {
      const publish = context.publisher(Trade, TRADE_FIELDS)
      const endId = first + count
      const startNs = nowNs()
      let id = first
      while ((id = sendUntilFull(id, endId, publish)) < endId) await context.drained(Trade)
      return { startNs }
    }),
  ],
})

/**
 * A function without `await`: in one with it V8 calls `publish`, here it copies it into the loop.
 * With `| 0` it counts in a register, and not in a value that might be something else.
 *
 * @returns the id of the next trade
 */
function sendUntilFull(first, endId, publish) {
  let id = first | 0
  while (id < endId) {
    const isBelowMark = sendTrade(id, publish)
    id = (id + 1) | 0
    if (!isBelowMark) break
  }
  return id
}
