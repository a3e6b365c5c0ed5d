// What the engine tells on `node:diagnostics_channel`, heard on the main thread. What workers tell
// is heard through FLYSHUTTLE_TRACE: see test/observe/trace.test.ts.

import { createEngine, message, u32, type DiagnosticEvents } from 'flyshuttle'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
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
    const incarnation = 1
    expect(attached).toEqual([{ thread: 0, name: 'main', incarnation, addon }])
    expect(closed).toEqual([])
    await engine.close()
    expect(closed).toEqual([{ thread: 0, name: 'main', incarnation, dropped: 0 }])
  })

  test('dead is told on the main thread, with the reason and who lived there', async () => {
    const dead = hear('dead')
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    await engine.spawn('mortal', fixture('mortal.mjs'), { thread: 1 })
    await expect(engine.request('mortal.die')).rejects.toThrow()
    await until(() => dead.length > 0)
    const reason = 'it was terminated, or left with exit code 1'
    const agents = ['mortal']
    expect(dead).toEqual([{ thread: 1, name: 'flyshuttle 1', incarnation: 1, reason, agents }])
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
    const [what, thread, name] = ['mailbox', 0, 'main']
    expect(full).toEqual([{ what, thread, name, subject: 'slow.>', agent: '', messages: 4 }])
    open()
    await subscription.unsubscribe()
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
