// The types of the trade, for the tests that are written in TypeScript.

export interface Trade {
  id: number
  account: number
  book: number
  price: number
  quantity: number
  timeMs: number
  side: 'buy' | 'sell'
  flags: number
  venue: string
}

export function tradeAt(id: number): Trade
export function foldTrade(sum: number, trade: Trade): number
export function expectedTradeSum(first: number, count: number): number
