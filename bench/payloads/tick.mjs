// The object of `one-to-one-object`: `{ id, topic, price, qty, user }`, without a schema.
//
// As with trades: `tickAt` makes a fresh object per message for every contender, `foldTick` sums
// what arrived, `expectedTickSum` says what the sum has to be without either of them. The strings
// are made once: a benchmark of messaging should not measure how fast strings are joined.

const TOPICS = Array.from({ length: 16 }, (_, n) => `ticks.equities.${String.fromCharCode(65 + n)}`)
const USERS = Array.from({ length: 1000 }, (_, n) => `user-${String(n).padStart(3, '0')}`)

/**
 * The tick with a sequence number below 2^31.
 *
 * @param {number} id
 */
export function tickAt(id) {
  return {
    id,
    topic: TOPICS[id & 15],
    price: 100 + (id % 1000) / 8,
    qty: 1 + (id % 97),
    user: USERS[id % 1000],
  }
}

/**
 * Adds one received tick to a sum modulo 2^32.
 *
 * @param {number} sum
 * @param {ReturnType<typeof tickAt>} tick
 */
export function foldTick(sum, tick) {
  const { id, topic, price, qty, user } = tick
  const letters = topic.length + topic.charCodeAt(15) * 3 + 5 * user.length + user.charCodeAt(7) * 7
  const part = id + 72 * price + 11 * qty + letters
  return (sum + (part | 0)) | 0
}

/**
 * The sum over `count` ticks from `first` on, straight from the numbers.
 *
 * @param {number} first
 * @param {number} count
 */
export function expectedTickSum(first, count) {
  let sum = 0
  for (let id = first; id < first + count; id++) {
    const letters = 16 + 3 * (65 + (id % 16)) + 5 * 8 + 7 * (48 + (id % 10))
    sum = (sum + id + 9 * (800 + (id % 1000)) + 11 * (1 + (id % 97)) + letters) | 0
  }
  return sum
}
