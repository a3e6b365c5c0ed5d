// What does a publish cost its sender, when one thread has 100 subscribers instead of one?
//
//     main thread ── one.*   40 bytes ──▶ consumer: 1 handler
//     main thread ── many.*  40 bytes ──▶ consumer: 100 handlers
//
// Bursts that fit the ring, in turn to the one subject and to the other. Timed is the sender alone,
// from the first publish of a burst until its flush; then it waits until all handlers have counted
// all of it, so that no burst meets the work of the last.

import { createEngine } from 'flyshuttle'
import { Many, One, SUBSCRIBERS } from '../agents/crowd.mjs'
import { spread } from './spread.mjs'

const AGENT = new URL('../agents/crowd.mjs', import.meta.url)
/** Frames of 56 bytes: half of a ring of 512 KiB at the most. */
const BURST = 4096
const WARMUP_ROUNDS = 20

/** @param {number} rounds pairs of bursts */
export async function measureFanOut(rounds) {
  const engine = await createEngine({ threads: 1 })
  try {
    await engine.spawn('crowd', AGENT)
    const one = []
    const many = []
    for (let round = 0; round < WARMUP_ROUNDS + rounds; round++) {
      const [oneNs, manyNs] = [await burst(engine, One, 1), await burst(engine, Many, SUBSCRIBERS)]
      if (round < WARMUP_ROUNDS) continue
      one.push(oneNs)
      many.push(manyNs)
    }
    const ratios = many.map((ns, round) => ns / one[round])
    return { oneNs: spread(one), manyNs: spread(many), ratio: spread(ratios).median }
  } finally {
    await engine.close()
  }
}

async function burst(engine, Message, subscribers) {
  const value = { id: 0, price: 9.5, qty: 7, stamp: 1.5, flags: 3 }
  const begun = process.hrtime.bigint()
  for (let id = 0; id < BURST; id++) {
    value.id = id
    if (!engine.publish(Message, value)) throw new Error('the ring has no room for a burst')
  }
  engine.flush()
  const ns = Number(process.hrtime.bigint() - begun) / BURST
  const wanted = (subscribers * BURST * (BURST - 1)) / 2
  // What was counted is asked for behind the burst, on the same way.
  for (;;) {
    const { count, sum } = await engine.request('crowd.counted')
    if (count === BURST * subscribers && sum === wanted) break
    if (count >= BURST * subscribers) throw new Error(`handled ${count} with the sum ${sum}`)
  }
  await engine.request('crowd.forget')
  return ns
}
