// What seldom happens: no addon where one is wanted, a thread that does not start or may not end,
// an `onError` that throws, an error too large for any frame, subscriptions beyond the first block.

import { createEngine } from 'flyshuttle'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { VARIANTS, engineFor, until } from './with-engine.js'

const cwd = fileURLToPath(new URL('../..', import.meta.url))

/** What a module prints in a Node process of its own. */
async function printed(source: string, env: Record<string, string> = {}): Promise<string> {
  const args = ['--input-type=module', '-e', source]
  const options = { cwd, timeout: 20_000, env: { ...process.env, ...env } }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return stdout
}

afterEach(() => void vi.unstubAllEnvs())

test('an engine that must have the addon refuses to start without', async () => {
  const output = await printed(
    `
    import { createEngine } from 'flyshuttle'
    await createEngine({ addon: true }).catch(({ code, data }) => console.log(code, data.found))
  `,
    { FLYSHUTTLE_NO_ADDON: '1' },
  )
  expect(output).toBe('ERR_ADDON_MISSING FLYSHUTTLE_NO_ADDON=1\n')
})

// Only an engine with the addon can lose it in a worker.
test.runIf(VARIANTS.some(({ addon }) => addon))(
  'a thread that does not start rejects createEngine, and the engine is given up',
  async () => {
    await engineFor({ threads: 0, addon: true })
    // Workers copy the environment; this thread has its addon already.
    vi.stubEnv('FLYSHUTTLE_NO_ADDON', '1')
    await expect(createEngine({ threads: 2, addon: true })).rejects.toMatchObject({
      code: 'ERR_THREAD_DIED',
      message: expect.stringContaining('FLYSHUTTLE_NO_ADDON=1'),
    })
  },
)

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('what onError throws is an uncaught exception, and the engine goes on', async () => {
    const output = await printed(`
      import { createEngine } from 'flyshuttle'
      process.on('uncaughtException', ({ message }) => console.log('uncaught:', message))
      const onError = () => { throw new Error('from onError') }
      const engine = await createEngine({ threads: 0, addon: ${addon}, onError })
      await engine.subscribe('x', () => { throw new Error('from a handler') })
      await engine.handle('echo', (value) => value)
      engine.publish('x', 1)
      console.log(await engine.request('echo', 'alive'))
      await engine.close()
    `)
    expect(output.split('\n').sort()).toEqual(['', 'alive', 'uncaught: from onError'])
  })

  test('a thread that has used its block of subscription numbers gets another', async () => {
    const engine = await engineFor({ threads: 0, addon })
    let heard = 0
    const subscribed = Array.from({ length: 300 }, () => engine.subscribe('x', () => void heard++))
    await Promise.all(subscribed)
    engine.publish('x', 1)
    await until(() => heard === 300)
  })

  test('the main thread cannot be terminated', async () => {
    const engine = await engineFor({ threads: 0, addon })
    await expect(engine.threads[0]?.terminate()).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    })
  })

  test('an error too large for a frame arrives shortened', async () => {
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384, chunkBytes: 0 })
    const large = Object.assign(new RangeError(`too large ${'x'.repeat(1_000_000)}`), { code: 'E' })
    await engine.handle('fail', () => {
      throw large
    })
    await expect(engine.request('fail', 1)).rejects.toMatchObject({
      code: 'E',
      message: expect.stringMatching(/^too large x{90} … \(999910 more characters\)$/),
    })
  })
})
