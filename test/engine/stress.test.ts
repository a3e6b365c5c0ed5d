// Real threads at full speed, with every frame checked, and threads that are ended in the middle of
// it.
//
// FLYSHUTTLE_STRESS multiplies the counts. Each message carries a sequence number and a checksum
// over its fields, so a torn, lost, repeated or reordered frame is found by its receiver.

import { FlyshuttleError } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const factor = Number(process.env['FLYSHUTTLE_STRESS'] ?? 1)

interface Verdict {
  received: number
  wrong: string | null
}

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('tens of millions of frames between two workers arrive whole, in order, once', async () => {
    const engine = await engineFor({ threads: 2, addon })
    const frames = Math.round((addon ? 20_000_000 : 5_000_000) * factor)
    await engine.spawn('sink', fixture('sink.mjs'), { thread: 1 })
    await engine.spawn('source', fixture('source.mjs'), { thread: 2 })
    await engine.request('source.send', { frames, lane: 0 }, { timeoutMs: 120_000 })
    const verdict = () => engine.request<Verdict>('sink.verdict', undefined, { timeoutMs: 60_000 })
    await until(async () => (await verdict()).received >= frames)
    expect(await verdict()).toEqual({ received: frames, wrong: null })
  }, 180_000)

  test('three threads that all send to all lose nothing', async () => {
    const engine = await engineFor({ threads: 3, addon, ringBytes: 16_384 })
    const frames = Math.round(300_000 * factor)
    for (let i = 1; i <= 3; i++) {
      await engine.spawn(`sink${i}`, fixture('sink.mjs'), {
        thread: i,
        config: { name: `sink${i}` },
      })
      await engine.spawn(`source${i}`, fixture('source.mjs'), {
        thread: i,
        config: { name: `source${i}` },
      })
    }
    await Promise.all(
      [1, 2, 3].map((i) =>
        engine.request(`source${i}.send`, { frames, lane: i }, { timeoutMs: 120_000 }),
      ),
    )
    for (let i = 1; i <= 3; i++) {
      const verdict = () =>
        engine.request<Verdict>(`sink${i}.verdict`, undefined, { timeoutMs: 60_000 })
      await until(async () => (await verdict()).received >= 3 * frames)
      expect(await verdict()).toEqual({ received: 3 * frames, wrong: null })
    }
  }, 180_000)

  test('threads ended under load: no hang, no abort, nothing torn or repeated', async () => {
    const rounds = Math.round((addon ? 100 : 30) * factor)
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    await engine.spawn('sink', fixture('sink.mjs'), { thread: 1 })
    let settled = 0
    for (let round = 0; round < rounds; round++) {
      const name = `source-${round}`
      // Even rounds end the producer, odd ones a responder with requests under way.
      await engine.spawn(name, fixture('source.mjs'), { thread: 2, config: { name, lane: round } })
      const requests = Array.from({ length: 20 }, (_, n) =>
        engine.request(`${name}.slow`, n, { timeoutMs: 30_000 }).then(
          () => settled++,
          (error: FlyshuttleError) => {
            expect(error.code).toMatch(/^ERR_(RESPONDER_DIED|NO_RESPONDERS)$/)
            settled++
          },
        ),
      )
      const flood = engine.request(
        `${name}.send`,
        { frames: 1e9, lane: round },
        { timeoutMs: 30_000 },
      )
      flood.catch(() => {}) // Rejected when its thread ends; that it settles is checked below.
      const seen = (await engine.request<Verdict>('sink.verdict')).received
      await until(async () => (await engine.request<Verdict>('sink.verdict')).received > seen)
      await engine.threads.find(({ index }) => index === 2)?.terminate()
      await Promise.all(requests)
      await expect(flood).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
    }
    expect(settled).toBe(rounds * 20)
    expect((await engine.request<Verdict>('sink.verdict')).wrong).toBeNull()
    expect(engine.threads.map(({ index }) => index)).toEqual([0, 1])
  }, 240_000)

  test('a consumer ended under load leaves its senders whole', async () => {
    const rounds = Math.round((addon ? 20 : 10) * factor)
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    await engine.spawn('source', fixture('source.mjs'), { thread: 1 })
    for (let round = 0; round < rounds; round++) {
      await engine.spawn('sink', fixture('sink.mjs'), { thread: 2 })
      const sent = engine.request(
        'source.send',
        { frames: 200_000, lane: round },
        { timeoutMs: 60_000 },
      )
      await until(async () => (await engine.request<Verdict>('sink.verdict')).received > 0)
      await engine.threads.find(({ index }) => index === 2)?.terminate()
      // With nobody listening any more the source runs to its end.
      await sent
    }
    expect(engine.threads.map(({ index }) => index)).toEqual([0, 1])
  }, 240_000)
})
