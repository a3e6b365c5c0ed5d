// A receiver that stops reading holds up its senders, in order and within bounds, and nobody else.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { message, u32 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Into = message('stuck.in', { n: u32 })

describe.each(VARIANTS)('$name', ({ addon }) => {
  /** A thread that blocks for a while and listens to `stuck.in`. */
  const startStuck = async () => {
    const engine = await engineFor({ threads: 2, addon, ringBytes: 16_384 })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    return { engine, hung }
  }

  test('publish says false above the mark, then throws, and nothing is lost', async () => {
    const { engine, hung } = await startStuck()
    let belowMark = 0
    while (engine.publish(Into, { n: belowMark })) belowMark++
    expect(belowMark).toBeGreaterThan(100)
    let accepted = belowMark + 1 // The one that returned false was accepted too.
    const publishOn = () => {
      for (;;) {
        engine.publish(Into, { n: accepted })
        accepted++
      }
    }
    expect(publishOn).toThrow(
      expect.objectContaining({ code: 'ERR_BACKPRESSURE', data: expect.anything() }),
    )
    expect(engine.tryPublish(Into, { n: 0 })).toBe('full')
    // Other threads hear us as before.
    await engine.spawn('counter', fixture('counter.mjs'), { thread: 2 })
    engine.publish('count.one', { n: 1 })
    await until(
      async () => (await engine.request<{ count: number }>('count-of.counter.0')).count === 1,
    )
    // When it reads again, everything accepted arrives in order, and so does what send() held.
    const sent = engine.send(Into, { n: accepted })
    const seen = () => engine.request<{ count: number; wrong: string | null }>('stuck.seen')
    await hung
    await sent
    await engine.drained(Into)
    await until(async () => (await seen()).count === accepted + 1)
    expect((await seen()).wrong).toBeNull()
  })

  test('a stuck thread holds up its own senders, and nobody else', async () => {
    const engine = await engineFor({ threads: 2, addon, ringBytes: 16_384 })
    await engine.spawn('counter', fixture('counter.mjs'), { thread: 2 })
    await engine.spawn('held', fixture('held.mjs'), { thread: 1 })
    const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-'))
    const release = join(folder, 'release')
    const hung = engine.request('held.block', release, { timeoutMs: 60_000 })
    try {
      let accepted = 0
      while (engine.tryPublish('held.in', accepted) === 'accepted') accepted++
      // More than any ring holds, there and back again, while the other thread stands still.
      const rounds = 2000
      for (let n = 0; n < rounds; n++) {
        if (!engine.publish('count.one', { n })) await engine.drained('count.one')
      }
      const count = () => engine.request<{ count: number }>('count-of.counter.0')
      await until(async () => (await count()).count === rounds)
      expect(engine.tryPublish('held.in', 0)).toBe('full')
      writeFileSync(release, '')
      await hung
      await until(async () => (await engine.request('held.count')) === accepted)
    } finally {
      writeFileSync(release, '')
      await hung
      rmSync(folder, { recursive: true })
    }
  })

  test('a lossy subscription never holds a publisher back', async () => {
    const engine = await engineFor({ threads: 2, addon, ringBytes: 16_384 })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1, config: { lossy: true } })
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    for (let n = 0; n < 100_000; n++) expect(engine.publish('tap.in', n)).toBe(true)
    await hung
    const { tapped } = await engine.request<{ tapped: number }>('stuck.seen')
    expect(tapped).toBeGreaterThan(0)
    expect(tapped).toBeLessThan(100_000)
  })
})
