// Sends trades.

import { tradeAt } from '../payloads/trade.mjs'
import { Trade } from './messages.mjs'
import { createProducer } from './producer.mjs'

export default createProducer(Trade, tradeAt)
