// What an engine does to its process: it keeps it alive while something is pending, and no longer.

import { createEngine } from 'flyshuttle'
import { spawn } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

/** Runs a module in a Node process of its own. */
function runModule(source: string, args: string[] = []): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args, '--input-type=module', '-e', source], {
      cwd: new URL('../..', import.meta.url),
      timeout: 20_000,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk))
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

const echo = JSON.stringify(fixture('echo.ts').href)

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('an idle engine and nothing else lets the process end', async () => {
    const ended = await runModule(`
      import { createEngine } from 'flyshuttle'
      const engine = await createEngine({ threads: 2, addon: ${addon} })
      await engine.subscribe('x', () => {})
      await engine.spawn('echo', ${echo}, { instances: 4 })
      await engine.request('echo', 1)
      console.log('idle')
    `)
    expect(ended).toEqual({ code: 0, signal: null, output: 'idle\n' })
  })

  test('a pending request keeps the process alive until it settles', async () => {
    const ended = await runModule(`
      import { createEngine } from 'flyshuttle'
      const engine = await createEngine({ threads: 1, addon: ${addon} })
      await engine.spawn('echo', ${echo})
      engine.request('echo.later', { ms: 100 }).then((reply) => console.log('got', reply.ms))
    `)
    expect(ended).toEqual({ code: 0, signal: null, output: 'got 100\n' })
  })

  test('waiting for the next message of an iteration keeps the process alive', async () => {
    const ended = await runModule(`
      import { createEngine } from 'flyshuttle'
      const engine = await createEngine({ threads: 0, addon: ${addon} })
      const subscription = await engine.subscribe('slow')
      setTimeout(() => engine.publish('slow', 'here'), 100).unref()
      for await (const { value } of subscription) {
        console.log(value)
        break
      }
    `)
    expect(ended).toEqual({ code: 0, signal: null, output: 'here\n' })
  })

  test('process.exit ends it at once, whatever is going on', async () => {
    const ended = await runModule(`
      import { createEngine } from 'flyshuttle'
      const engine = await createEngine({ threads: 2, addon: ${addon} })
      await engine.spawn('echo', ${echo})
      engine.request('echo.never').catch(() => {})
      for (let n = 0; n < 1000; n++) engine.publish('echo', n)
      process.exit(7)
    `)
    expect(ended).toMatchObject({ code: 7, signal: null })
  })

  test('await using closes the engine', async () => {
    let closed: Promise<void>
    {
      const engine = await createEngine({ threads: 1, addon })
      await engine[Symbol.asyncDispose]()
      closed = engine.close()
    }
    await closed
  })

  test('closing handles what was published before', async () => {
    const engine = await engineFor({ threads: 1, addon })
    const got: unknown[] = []
    await engine.spawn('tally', fixture('tally.mjs'))
    await engine.subscribe('tally.result', (value) => got.push(value))
    for (let n = 0; n < 10_000; n++) {
      if (!engine.publish('tally.in', { n })) await engine.drained('tally.in')
    }
    await engine.close()
    expect(got).toEqual([{ count: 10_000 }])
  })

  test('workers talk while the main thread is blocked', async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('echo', fixture('echo.ts'), { thread: 1 })
    await engine.spawn('prober', fixture('prober.mjs'), { thread: 2 })
    const probed = engine.request<{ replies: number; endedAtMs: number }>(
      'probe',
      { count: 500 },
      { timeoutMs: 20_000 },
    )
    engine.flush()
    const untilMs = performance.now() + 1500
    while (performance.now() < untilMs) continue
    const unblockedAtMs = performance.timeOrigin + performance.now()
    const { replies, endedAtMs } = await probed
    expect(replies).toBe(500)
    expect(endedAtMs).toBeLessThan(unblockedAtMs)
  })

  // The addon alone: without it, it is the main thread that tells of a death.
  test.runIf(addon)(
    'a thread that dies is noticed by the others even while the main thread is blocked',
    async () => {
      const engine = await engineFor({ threads: 2, addon, onError: () => {} })
      await engine.spawn('mortal', fixture('mortal.mjs'), { thread: 1 })
      await engine.spawn('mourner', fixture('mourner.mjs'), { thread: 2 })
      const mourned = engine.request<{ code: string; endedAtMs: number }>('mourn', undefined, {
        timeoutMs: 20_000,
      })
      engine.flush()
      const untilMs = performance.now() + 1500
      while (performance.now() < untilMs) continue
      const unblockedAtMs = performance.timeOrigin + performance.now()
      const { code, endedAtMs } = await mourned
      expect(code).toBe('ERR_RESPONDER_DIED')
      expect(endedAtMs).toBeLessThan(unblockedAtMs)
    },
  )

  test('agents in TypeScript load under tsx too', async () => {
    const ended = await runModule(
      `
      import { createEngine } from 'flyshuttle'
      const engine = await createEngine({ threads: 1, addon: ${addon} })
      await engine.spawn('echo', ${echo})
      console.log(await engine.request('echo', 'typed'))
      await engine.close()
    `,
      ['--import', 'tsx'],
    )
    expect(ended).toEqual({ code: 0, signal: null, output: 'typed\n' })
  })

  test('a subscription made while a thread is blocked is seen by it later', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('blocker', fixture('blocker.mjs'))
    const got: unknown[] = []
    engine.publish('block.then.publish', { ms: 200, subject: 'late.news' })
    engine.flush()
    await engine.subscribe('late.*', (value) => got.push(value))
    await until(() => got.length === 1)
    expect(got).toEqual(['after the block'])
  })
})
