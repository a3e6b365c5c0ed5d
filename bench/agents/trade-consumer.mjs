// Receives trades.

import { foldTrade } from '../payloads/trade.mjs'
import { createConsumer } from './consumer.mjs'
import { Trade } from './messages.mjs'

export default createConsumer(Trade, foldTrade)
