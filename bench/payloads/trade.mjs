// The record of `one-to-one-struct`: a trade of 40 bytes, told from its sequence number alone.
//
// Every contender's producer makes a fresh object per message with `tradeAt`, as a program would;
// every consumer folds what arrived into a sum with `foldTrade`. What the sum has to be is computed
// by `expectedTradeSum`, which makes no object and shares no code with either.
//
// `id >>> 0` says that a number is not negative: its remainders are then plain arithmetic for V8.

const TIME_BASE_MS = 1_700_000_000_000
const VENUES = ['XN', 'XL', 'XT', 'XF']

/**
 * The trade with a sequence number below 2^31. In memory: three f64, three u32, four bytes.
 *
 * @param {number} id
 */
export function tradeAt(id) {
  const n = id >>> 0
  return {
    id,
    account: id ^ 0x5a5a,
    book: n % 64,
    price: 100 + (n % 1000) / 8,
    quantity: 1 + (n % 97),
    timeMs: TIME_BASE_MS + id,
    side: n % 2 === 0 ? 'buy' : 'sell',
    flags: id & 0xff,
    venue: VENUES[id & 3],
  }
}

/** The fields in the order in which `sendTrade` gives them. */
export const TRADE_FIELDS = [
  'id',
  'account',
  'book',
  'price',
  'quantity',
  'timeMs',
  'side',
  'flags',
  'venue',
]

/**
 * Hands the fields of the same trade to `send`, without making an object of them.
 *
 * @param {number} id
 * @param {(...fields: any[]) => boolean} send
 */
export function sendTrade(id, send) {
  const n = id >>> 0
  return send(
    id,
    id ^ 0x5a5a,
    n % 64,
    100 + (n % 1000) / 8,
    1 + (n % 97),
    TIME_BASE_MS + id,
    n % 2 === 0 ? 'buy' : 'sell',
    id & 0xff,
    VENUES[id & 3],
  )
}

/**
 * Adds one received trade to a sum modulo 2^32. Each field has a weight of its own, so that two
 * fields in each other's place are noticed. The trade's part is worked out before the sum is looked
 * at: else each addition would wait for those of the trade before.
 *
 * @param {number} sum
 * @param {ReturnType<typeof tradeAt>} trade
 */
export function foldTrade(sum, trade) {
  const part =
    trade.id +
    3 * trade.account +
    5 * trade.book +
    56 * trade.price +
    9 * trade.quantity +
    11 * (trade.timeMs - TIME_BASE_MS) +
    (trade.side === 'buy' ? 13 : 26) +
    17 * trade.flags +
    19 * trade.venue.charCodeAt(1)
  return (sum + (part | 0)) | 0
}

/**
 * The sum over `count` trades from `first` on, straight from the numbers.
 *
 * @param {number} first
 * @param {number} count
 */
export function expectedTradeSum(first, count) {
  let sum = 0
  for (let id = first; id < first + count; id++) {
    let part = 12 * id + 3 * (id ^ 0x5a5a) + 5 * (id & 63)
    part += 7 * (800 + (id % 1000)) + 9 * ((id % 97) + 1)
    part += 13 * (1 + (id & 1)) + 17 * (id & 255) + 19 * VENUE_LETTERS[id % 4]
    sum = (sum + part) | 0
  }
  return sum
}

/** Second letters of the venues, as their codes: N, L, T, F. */
const VENUE_LETTERS = [78, 76, 84, 70]
