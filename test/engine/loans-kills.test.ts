// Threads that lend and lease all the time are ended at random instants, 300 in all. Afterwards no
// block is in use. A failure prints its seed; FLYSHUTTLE_SEED repeats it.

import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const KILLS = Math.ceil(300 / VARIANTS.length)
const TRADERS = 2
const seed = Number(process.env['FLYSHUTTLE_SEED'] ?? Date.now() % 1_000_000)

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('threads ended with loans and leases in hand leave no block in use', async () => {
    console.log(`seed ${seed}`)
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return (state >>> 8) % below
    }
    const errors: string[] = []
    const onError = (error: unknown) => errors.push(String(error))
    // Few blocks, so that all of them are in use now and then, and somebody waits.
    const options = { threads: TRADERS, addon, onError, chunkBytes: 4 * 1024 * 1024 }
    const engine = await engineFor(options)
    const spawn = (thread: number) => {
      const config = { seed: random(1_000_000) }
      return engine.spawn(`trader-${thread}`, fixture('trader.mjs'), { thread, config })
    }
    let got = 0
    await engine.subscribe('trade.>', (lease) => (got++, lease.release()), { lease: true })
    await Promise.all([1, 2].map(spawn))
    for (let kill = 0; kill < KILLS; kill++) {
      const thread = 1 + random(TRADERS)
      const turns = random(60)
      for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve))
      await engine.threads.find(({ index }) => index === thread)?.terminate()
      await spawn(thread)
    }
    const before = got
    await until(() => got > before)
    for (const { index, terminate } of engine.threads) if (index > 0) await terminate()
    await until(() => engine.chunks().blocksInUse === 0)
    expect(errors.filter((error) => !error.includes('it was terminated'))).toEqual([])
  }, 600_000)
})
