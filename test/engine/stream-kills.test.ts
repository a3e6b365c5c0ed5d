// Streams whose threads end at any moment: whatever was asked settles, parts are in order, and
// nothing of a stream is left on the other side.

import { FlyshuttleError, type Engine } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const ROUNDS = Math.round(12 * Number(process.env['FLYSHUTTLE_STRESS'] ?? 1))
const STREAMS = 8

/** A small generator of chance, so that a seed repeats a run. */
function chanceFrom(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

describe.each(VARIANTS)('$name', ({ addon }) => {
  const seed = Number(process.env['FLYSHUTTLE_SEED'] ?? Date.now() % 1_000_000)

  test('responders and requesters ended mid-stream', { timeout: 240_000 }, async () => {
    console.log(`seed ${seed}`)
    const chance = chanceFrom(seed)
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    for (let round = 0; round < ROUNDS; round++) {
      await engine.spawn(`streamer-${round}`, fixture('streamer.mjs'), { thread: 1 })
      await engine.spawn(`reader-${round}`, fixture('stream-reader.mjs'), { thread: 2 })
      const buffers = Array.from({ length: STREAMS }, () => 1 + Math.floor(chance() * 50))
      const readings = buffers.map((buffer) => read(engine, buffer))
      await engine.request('reader.read', 'stream.endless')
      const turns = Math.floor(chance() * 30)
      for (let turn = 0; turn < turns; turn++) await new Promise((r) => setImmediate(r))
      // The reader first, or the responder first, or both at once.
      const order = chance()
      const victims = order < 0.3 ? [1] : order < 0.6 ? [2, 1] : [1, 2]
      await Promise.all(
        victims.map((index) => engine.threads.find((one) => one.index === index)?.terminate()),
      )
      for (const outcome of await Promise.all(readings)) {
        expect(outcome).toMatch(/^ERR_(RESPONDER_DIED|NO_RESPONDERS)$/)
      }
      await engine.threads.find((one) => one.index === 2)?.terminate()
      await until(() => engine.threads.length === 1)
    }
    // What this thread produced, and what it asked for, is gone.
    const { streams } = engine.stats().threads[0] as { streams: { begun: number; ended: number } }
    expect(streams.begun).toBe(streams.ended)
  })

  test('requesters ended while this thread produces', { timeout: 240_000 }, async () => {
    const chance = chanceFrom(seed + 1)
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    let returned = 0
    await engine.handle('own.endless', async function* () {
      try {
        for (let n = 0; ; n++) {
          yield n
          if (n % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        returned++
      }
    })
    for (let round = 0; round < ROUNDS; round++) {
      await engine.spawn(`reader-${round}`, fixture('stream-reader.mjs'), { thread: 1 })
      for (let n = 0; n < 3; n++) await engine.request('reader.read', 'own.endless')
      for (let turn = chance() * 20; turn > 0; turn--) await new Promise((r) => setImmediate(r))
      await engine.threads[1]?.terminate()
      await until(() => engine.threads.length === 1)
      await until(() => returned === 3 * (round + 1))
    }
    const { streams } = engine.stats().threads[0] as { streams: { begun: number; ended: number } }
    expect(streams).toEqual({ begun: 3 * ROUNDS, ended: 3 * ROUNDS })
  })
})

/** Reads without end; resolves with the code of what ended it. */
async function read(engine: Engine, buffer: number): Promise<string> {
  let next = 0
  try {
    for await (const part of engine.requestStream<number>('stream.endless', null, { buffer })) {
      if (part !== next++) return `part ${part} where ${next - 1} was wanted`
    }
    return 'ended without an error'
  } catch (error) {
    return error instanceof FlyshuttleError ? error.code : String(error)
  }
}
