// What the engine tells on `node:diagnostics_channel`, heard on the main thread. What workers tell
// is heard through FLYSHUTTLE_TRACE: see test/observe/trace.test.ts.

import { createEngine, message, u32, type DiagnosticEvents } from 'flyshuttle'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Into = message('stuck.in', { n: u32 })

let quiet: (() => void)[] = []
afterEach(() => {
  for (const stop of quiet.splice(0)) stop()
})

/** Everything told under one name from now on, and what `onEach` does then. */
function hear<N extends keyof DiagnosticEvents>(
  name: N,
  onEach: () => void = () => {},
): DiagnosticEvents[N][] {
  const heard: DiagnosticEvents[N][] = []
  const listener = (event: unknown): void => {
    heard.push(event as DiagnosticEvents[N])
    onEach()
  }
  subscribe(`flyshuttle:${name}`, listener)
  quiet.push(() => unsubscribe(`flyshuttle:${name}`, listener))
  return heard
}

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('attach and close are told where a thread comes and goes', async () => {
    const [attached, closed] = [hear('attach'), hear('close')]
    const engine = await createEngine({ threads: 1, addon })
    const main = { engine: engine.name, thread: 0, name: 'main', incarnation: 1 }
    expect(attached).toEqual([{ ...main, addon }])
    expect(closed).toEqual([])
    await engine.close()
    expect(closed).toEqual([{ ...main, dropped: 0 }])
  })

  test('events say which engine they are about', async () => {
    const [attached, full] = [hear('attach'), hear('full')]
    const dead = hear('dead')
    const orders = await engineFor({ name: 'orders', threads: 1, addon, onError: () => {} })
    const [first, second] = await Promise.all([
      engineFor({ threads: 0, addon }),
      engineFor({ threads: 0, addon }),
    ])
    expect(orders.name).toBe('orders')
    expect(first?.name).toMatch(/^engine \d+ of thread \d+$|^engine \d+$/)
    expect(second?.name).not.toBe(first?.name)
    const names = [orders, first, second].map((engine) => engine?.name)
    expect(attached.map(({ engine }) => engine)).toEqual(names)
    await second?.subscribe('slow', () => new Promise(() => {}), { mailbox: 1 })
    for (let n = 0; n < 3; n++) second?.publish('slow', n)
    await until(() => full.length === 1)
    expect(full[0]?.engine).toBe(second?.name)
    await orders.threads[1]?.terminate()
    await until(() => dead.length === 1)
    expect(dead[0]?.engine).toBe('orders')
  })

  test.each([[''], ['n'.repeat(101)], [7], [null]])('no engine is called %j', async (name) => {
    const refused = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })
    await expect(createEngine({ name: name as never, threads: 0, addon })).rejects.toEqual(refused)
  })

  test('dead is told on the main thread, with the reason and who lived there', async () => {
    const dead = hear('dead')
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    await engine.spawn('mortal', fixture('mortal.mjs'), { thread: 1 })
    await expect(engine.request('mortal.die')).rejects.toThrow()
    await until(() => dead.length > 0)
    const reason = 'it was terminated, or left with exit code 1'
    const agents = ['mortal']
    const of = { engine: engine.name, thread: 1, name: 'flyshuttle 1', incarnation: 1 }
    expect(dead).toEqual([{ ...of, reason, agents }])
  })

  test('an orderly end is no death', async () => {
    const dead = hear('dead')
    const engine = await createEngine({ threads: 2, addon })
    await engine.close()
    expect(dead).toEqual([])
  })

  test('full is told once when a ring has no room, again after it had room', async () => {
    const full = hear('full')
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384 })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    let n = 0
    for (const times of [1, 2]) {
      const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
      for (let more = 0; more < 2000; more++) engine.publish(Into, { n: n++ })
      await until(() => full.length === times)
      await hung
      await engine.drained(Into)
    }
    expect(full).toHaveLength(2)
    const expected = { what: 'link', thread: 0, name: 'main', to: 1, lane: 'bulk' }
    for (const event of full) expect(event).toMatchObject({ ...expected, ringBytes: 16_384 })
  })

  test('full is told when a mailbox is at its limit', async () => {
    const full = hear('full')
    const engine = await engineFor({ threads: 0, addon })
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const subscription = await engine.subscribe('slow.>', () => gate, { mailbox: 4 })
    for (let n = 0; n < 20; n++) engine.publish('slow.x', n)
    await until(() => full.length > 0)
    const of = { engine: engine.name, thread: 0, name: 'main' }
    expect(full).toEqual([{ what: 'mailbox', ...of, subject: 'slow.>', agent: '', messages: 4 }])
    open()
    await subscription.unsubscribe()
  })

  test('almostFull is told before full, and again only after half of it was free', async () => {
    const told: string[] = []
    hear('almostFull', () => told.push('almost'))
    hear('full', () => told.push('full'))
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384 })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    let n = 0
    for (const times of [1, 2]) {
      const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
      while (engine.publish(Into, { n: n++ })) continue
      // Above the mark, and some more of it: still once.
      for (let more = 0; more < 10; more++) engine.tryPublish(Into, { n: n++ })
      await until(() => told.length === times * 2 - 1)
      while (engine.tryPublish(Into, { n }) === 'accepted') n++
      await until(() => told.length === times * 2)
      await hung
      await engine.drained(Into)
      engine.publish(Into, { n: n++ })
      engine.flush()
    }
    expect(told).toEqual(['almost', 'full', 'almost', 'full'])
  })

  test('almostFull is told of the overflow before publish throws, and of mailboxes', async () => {
    const almost = hear('almostFull')
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384 })
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const subscription = await engine.subscribe('slow.>', () => gate, { mailbox: 8 })
    let toldAt = -1
    let count = 0
    const publishOn = () => {
      for (; ; count++) engine.publish('slow.x', 'x'.repeat(900))
    }
    hear('almostFull', () => (toldAt = count))
    expect(publishOn).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    await until(() => almost.some(({ what }) => what === 'overflow'))
    await until(() => almost.some(({ what }) => what === 'mailbox'))
    expect(toldAt).toBeGreaterThan(0)
    const [link, overflow, mailbox] = almost
    const ring = { thread: 0, name: 'main', to: 0, lane: 'bulk' }
    expect(link).toMatchObject({ what: 'link', ...ring, ringBytes: 16_384 })
    expect(overflow).toMatchObject({ what: 'overflow', ...ring, limitBytes: 1024 * 1024 })
    const of = { engine: engine.name, thread: 0, name: 'main' }
    const names = { ...of, subject: 'slow.>', agent: '', messages: 8 }
    expect(mailbox).toEqual({ what: 'mailbox', ...names })
    expect(almost.filter(({ what }) => what !== 'link')).toHaveLength(2)
    open()
    await subscription.unsubscribe()
  })

  test('slow names the subscription that does not keep up, and how far it is behind', async () => {
    const slow = hear('slow')
    const engine = await engineFor({ threads: 0, addon })
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const subscription = await engine.subscribe('slow.>', () => gate, { mailbox: 4 })
    await engine.subscribe('quick', () => {})
    for (let n = 0; n < 20; n++) engine.publish('slow.x', n)
    engine.publish('quick')
    // Told at the second beat, and at the third again.
    await until(() => slow.length === 2)
    const [first, second] = slow
    const names = { what: 'mailbox', thread: 0, name: 'main', subject: 'slow.>', agent: '' }
    expect(first).toMatchObject({ ...names, lag: { messages: 19 } })
    expect(first?.lag.ms).toBeGreaterThan(0)
    expect(second?.lag.ms).toBeGreaterThan(first?.lag.ms as number)
    open()
    await subscription.unsubscribe()
  })

  test('slow names the thread that does not read, by what it has in hand', async () => {
    const slow = hear('slow')
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384 })
    await engine.spawn('held', fixture('held.mjs'), { thread: 1 })
    const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-'))
    const release = join(folder, 'release')
    const hung = engine.request('held.block', release, { timeoutMs: 60_000 })
    try {
      let count = 0
      while (engine.tryPublish('held.in', count) === 'accepted') count++
      for (let n = 0; n < 5; n++) engine.publish('held.in', n)
      await until(() => slow.length > 0)
      const [told] = slow
      const names = { what: 'link', from: 0, thread: 1, name: 'flyshuttle 1' }
      // The request in hand is not free yet, so it counts too.
      const lag = { messages: count + 5 + 1 }
      expect(told).toMatchObject({ ...names, subject: 'held.block', lag })
      expect(told?.lag.bytes).toBeGreaterThan(16_000)
      expect(told?.lag.ms).toBeGreaterThan(0)
    } finally {
      writeFileSync(release, '')
      await hung
      rmSync(folder, { recursive: true })
    }
  })

  test('a listener may publish, and full is told in the midst of a publish', async () => {
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384 })
    const told: number[] = []
    await engine.subscribe('was.full', (n: number) => void told.push(n))
    hear('full', () => engine.publish('was.full', 1))
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    for (let n = 0; n < 2000; n++) engine.publish(Into, { n })
    await until(() => told.length === 1)
    await hung
    const seen = (): Promise<{ count: number; wrong: string | null }> =>
      engine.request('stuck.seen')
    await until(async () => (await seen()).count === 2000)
    expect((await seen()).wrong).toBeNull()
  })
})
