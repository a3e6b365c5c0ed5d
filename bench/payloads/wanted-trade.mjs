// The trades of `filter-90`: all are sent, and 25 of 256 are wanted, those with low flags.
//
// What arrives is told by its rank among the wanted ones, so that ranks follow each other as
// sequence numbers do, and a message that is missing or too many is seen.

import { expectedTradeSum, foldTrade, tradeAt } from './trade.mjs'

const PERIOD = 256
const WANTED = 25

/** The rule as a filter, and as a program would write it. */
export const WANTED_TRADES = { flags: { lt: WANTED } }
export const isWanted = (trade) => trade.flags < WANTED

/** How many of the trades before `id` are wanted. */
const rankOf = (id) => Math.floor(id / PERIOD) * WANTED + Math.min(id % PERIOD, WANTED)
const idOfRank = (rank) => Math.floor(rank / WANTED) * PERIOD + (rank % WANTED)

/** @returns {import('./payloads.mjs').Payload} */
export function createWantedTrades() {
  return {
    valueAt: tradeAt,
    ownValueAt: tradeAt,
    isWanted,
    wantedOf: ({ first, count }) => {
      const rank = rankOf(first)
      return { first: rank, count: rankOf(first + count) - rank }
    },
    idOf: (trade) => rankOf(trade.id),
    fold: foldTrade,
    expectedSum: (first, count) => {
      let sum = 0
      for (let rank = first; rank < first + count; rank++) {
        sum = (sum + expectedTradeSum(idOfRank(rank), 1)) | 0
      }
      return sum
    },
    bytes: 40,
  }
}
