// Payload name → how it is made and summed, for workers that are told the name at their start.

import { foldTick, tickAt } from '../payloads/tick.mjs'
import { foldTrade, tradeAt } from '../payloads/trade.mjs'

export const PAYLOADS = {
  trade: { valueAt: tradeAt, fold: foldTrade },
  tick: { valueAt: tickAt, fold: foldTick },
}
