// Raw payloads between threads of an engine: there and back as requests and replies, and parked.

import { message, raw } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { engineFor, fixture, VARIANTS } from './with-engine.js'

const SIZES = [0, 1, 63, 511, 512, 2047, 2048, 2049, 40_000]

describe.each(VARIANTS)('raw bytes ($name)', ({ addon }) => {
  test('come back from another thread as they were sent, whatever their size', async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('echo', fixture('echo.ts'))
    for (const bytes of SIZES) {
      const memory = new Uint8Array(new SharedArrayBuffer(bytes + 3))
      const sent = memory.map((_, index) => (index * 31 + (index >>> 8)) & 0xff).subarray(3)
      memory.set(sent, 3)
      const reply = engine.request<Uint8Array>('echo', memory.subarray(3))
      memory.fill(0)
      const got = await reply
      expect(got.constructor).toBe(Uint8Array)
      expect(Buffer.compare(got, sent)).toBe(0)
    }
  })

  test('arrive as they were when published, even if they had to wait for room', async () => {
    const engine = await engineFor({ threads: 2, addon, ringBytes: 65_536 })
    const Chunk = message('chunks', raw)
    const got: Uint8Array[] = []
    await engine.subscribe(Chunk, (value) => got.push(value))
    const source = new Uint8Array(10_000)
    for (let nth = 0; nth < 20; nth++) engine.publish(Chunk, source.fill(nth))
    source.fill(0xee)
    await engine.drained(Chunk)
    while (got.length < 20) await new Promise((resolve) => setImmediate(resolve))
    for (const [nth, value] of got.entries()) expect(value).toEqual(source.fill(nth))
  })
})
