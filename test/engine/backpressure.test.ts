// A receiver that stops reading holds up its senders, in order and within bounds, and nobody else.

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
