// Threads that somebody else made take part in an engine, with and without the addon.

import { join, type Engine } from 'flyshuttle'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BroadcastChannel, Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Joiner, joinerOf } from './joiner.js'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const joinerFile = (name: string): URL => new URL(`../fixtures/joiners/${name}`, import.meta.url)

describe.each(VARIANTS)('joining ($name)', ({ addon }) => {
  const errors: any[] = []
  const open = (threads = 0, threadsMax = 4): Promise<Engine> => {
    errors.length = 0
    return engineFor({ threads, threadsMax, addon, onError: (error) => errors.push(error) })
  }

  test('a worker made by someone else hears, is heard, asks and answers', async () => {
    const engine = await open()
    const joiner = await joinerOf(engine)
    const heard: unknown[] = []
    await engine.subscribe('up', (value, info) => heard.push([value, info.thread]))
    await engine.handle('double', (n: number) => n * 2)
    await joiner.ask('listen', 'down')
    await joiner.ask('echo', 'mirror')
    engine.publish('down', { n: 1 })
    await joiner.ask('publish', 'up', ['a', 'b'])
    expect(await joiner.ask('request', 'double', 21)).toBe(42)
    expect(await engine.request('mirror', 'x')).toEqual({ echo: 'x' })
    await until(async () => (await joiner.ask('heard')).length === 1)
    await until(() => heard.length === 2)
    const { index } = engine.threads.find(({ hasJoined }) => hasJoined) ?? { index: -1 }
    expect(heard).toEqual([
      ['a', index],
      ['b', index],
    ])
    expect(errors).toEqual([])
  })

  test('one handle serves many workers, which talk to each other and to agents', async () => {
    const engine = await open(1)
    await engine.spawn('echo', fixture('echo.ts'))
    const joiners = await Promise.all([joinerOf(engine), joinerOf(engine)])
    const [first, second] = joiners as [Joiner, Joiner]
    await first.ask('echo', 'first')
    expect(await second.ask('request', 'first', 1)).toEqual({ echo: 1 })
    expect(engine.threads.filter(({ hasJoined }) => hasJoined)).toHaveLength(2)
    await expect(second.ask('request', 'nobody.here', 1)).rejects.toMatchObject({
      code: 'ERR_NO_RESPONDERS',
    })
  })

  test('engine.stats() tells a joined thread that lives from one that has left', async () => {
    const engine = await open()
    const joiner = await joinerOf(engine)
    const isLiving = (): boolean =>
      engine.stats().threads.some(({ index, state }) => index === 1 && /^(run|sleep)/.test(state))
    expect(isLiving()).toBe(true)
    await joiner.ask('leave')
    await until(() => !isLiving())
  })

  test('the place of a thread that has left is free at once, and no death is told', async () => {
    const engine = await open(0, 2)
    const joiner = await joinerOf(engine)
    for (let round = 0; round < 10; round++) {
      await joiner.ask('echo', 'echoes')
      await joiner.ask('leave')
      await joiner.ask('join')
    }
    await joiner.ask('leave')
    expect(engine.stats().threads[1]).toMatchObject({ state: 'closed', incarnation: 11 })
    expect(errors).toEqual([])
  })

  test('a worker in CommonJS joins by require', async () => {
    const engine = await open()
    const worker = new Worker(joinerFile('required.cjs'), { workerData: { fly: engine.handle() } })
    onTestFinished(async () => void (await worker.terminate()))
    await new Promise((resolve) => worker.once('message', resolve))
    expect(await engine.request('from.cjs', 7)).toEqual({ cjs: 7 })
  })

  test('the threads of a piscina pool join with one handle, and tasks use the bus', async () => {
    const engine = await open()
    const done: number[] = []
    await engine.subscribe('tasks.done', ({ n }) => done.push(n))
    await engine.handle('square', (n: number) => n * n)
    const pool = new Piscina({
      filename: fileURLToPath(joinerFile('task.mjs')),
      minThreads: 2,
      maxThreads: 2,
      workerData: { fly: engine.handle() },
    })
    const ns = Array.from({ length: 200 }, (_, n) => n)
    const results: any[] = await Promise.all(ns.map((n) => pool.run({ n })))
    expect(results.map(({ square }) => square)).toEqual(ns.map((n) => n * n))
    expect(new Set(results.map(({ thread }) => thread)).size).toBe(2)
    await until(() => done.length === 200)
    expect(done.sort((a, b) => a - b)).toEqual(ns)
    await pool.destroy()
    await until(() => engine.threads.length === 1)
    expect(errors).toEqual([])
  })

  test.each(['terminated', 'left by process.exit'])(
    'a joined thread that is %s rejects what it was asked, and its place is free again',
    async (how) => {
      const engine = await open(0, 2)
      const joiner = await joinerOf(engine)
      await joiner.ask('hang', 'slow')
      const asked = engine.request('slow', 1, { timeoutMs: 60_000 })
      const refused = expect(asked).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
      if (how === 'terminated') await joiner.worker.terminate()
      else void joiner.ask('exit', 3)
      await refused
      await until(() => engine.threads.length === 1)
      expect(errors).toMatchObject([{ code: 'ERR_THREAD_DIED', data: { thread: 1 } }])
      const next = await joinerOf(engine)
      await next.ask('echo', 'slow')
      expect(await engine.request('slow', 2)).toEqual({ echo: 2 })
    },
  )

  test('threads ended under load, again and again, leave the engine whole', async () => {
    const engine = await open(1, 4)
    await engine.spawn('echo', fixture('echo.ts'))
    let last = -1
    let disorder = 0
    await engine.subscribe('flood', ({ n }) => {
      if (n !== 0 && n !== last + 1) disorder++
      last = n
    })
    for (let round = 0; round < 8; round++) {
      const joiner = await joinerOf(engine)
      last = -1
      await joiner.ask('flood', 'flood')
      await until(() => last > 1000)
      await joiner.worker.terminate()
      await until(() => engine.threads.length === 2)
      const before = last
      await until(() => last === before)
    }
    expect(disorder).toBe(0)
    const survivor = await joinerOf(engine)
    expect(await survivor.ask('request', 'echo', 'still there')).toBe('still there')
  })

  test('a thread that leaves handles what it was given, and may join again', async () => {
    const engine = await open(0, 2)
    const joiner = await joinerOf(engine)
    await joiner.ask('listen', 'news')
    for (let n = 0; n < 100; n++) engine.publish('news', n)
    engine.flush()
    await joiner.ask('leave')
    expect(await joiner.ask('heard')).toHaveLength(100)
    await expect(joiner.ask('publish', 'up', [1])).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await until(() => engine.threads.length === 1)
    expect(await joiner.ask('join')).toBe(1)
    await joiner.ask('echo', 'again')
    expect(await engine.request('again', 1)).toEqual({ echo: 1 })
    expect(errors).toEqual([])
  })

  test('what a leaving thread published is written, however little room there is', async () => {
    const engine = await engineFor({ threads: 0, threadsMax: 2, addon, ringBytes: 1024 })
    const heard: number[] = []
    await engine.subscribe('up', (n) => heard.push(n))
    const joiner = await joinerOf(engine)
    await joiner.ask(
      'publish',
      'up',
      Array.from({ length: 2000 }, (_, n) => n),
    )
    await joiner.ask('leave')
    await until(() => heard.length === 2000)
    expect(heard[1999]).toBe(1999)
  })

  test('leaving ends at its deadline, whatever a handler does', async () => {
    const engine = await open()
    const joiner = await joinerOf(engine)
    await joiner.ask('hang', 'slow')
    const refused = expect(engine.request('slow', 1)).rejects.toMatchObject({
      code: 'ERR_RESPONDER_DIED',
    })
    await expect(joiner.ask('leave', { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    await refused
  })

  test('closing the engine tells joined threads, whose owner goes on with them', async () => {
    const engine = await open()
    const joiner = await joinerOf(engine)
    await joiner.ask('listen', 'news')
    const asked = joiner.ask('request', 'nothing', 1).catch(({ code }) => code)
    expect(await asked).toBe('ERR_NO_RESPONDERS')
    await engine.close()
    expect(await joiner.ask('isClosed')).toBe(true)
    await expect(joiner.ask('publish', 'up', [1])).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(joiner.ask('join')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(() => engine.handle()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(errors).toEqual([])
  })

  test('a thread that listens stays, one that only sends may end, unnoticed', async () => {
    const engine = await open()
    const listening = await joinerOf(engine)
    const idle = await joinerOf(engine)
    await listening.ask('echo', 'mirror')
    void listening.ask('letGo')
    void idle.ask('letGo')
    expect(await idle.ended).toBe(0)
    await until(() => engine.threads.length === 2)
    expect(await engine.request('mirror', 1)).toEqual({ echo: 1 })
    expect(errors).toEqual([])
  })

  test('an agent runs on a joined thread if told so, and never by chance', async () => {
    const engine = await open(0, 3)
    const joiner = await joinerOf(engine)
    const { index } = engine.threads[1] ?? { index: -1 }
    const byChance = await engine.spawn('by-chance', fixture('echo.ts'))
    expect(byChance.threads).toEqual([0])
    await byChance.stop()
    const told = await engine.spawn('told', fixture('echo.ts'), { thread: index })
    expect(told.threads).toEqual([index])
    expect(engine.threads[1]?.agents).toEqual(['told'])
    await joiner.ask('leave')
    await until(() => engine.threads.length === 1)
    expect(() => engine.agent('told')).toThrow(
      expect.objectContaining({ code: 'ERR_AGENT_UNKNOWN' }),
    )
  })

  test('places are counted, and the engine ends no thread of others', async () => {
    const engine = await open(1, 3)
    const joiner = await joinerOf(engine)
    await expect(joinerOf(engine)).rejects.toMatchObject({ code: 'ERR_THREAD_LIMIT' })
    const joined = engine.threads.find(({ hasJoined }) => hasJoined)
    await expect(joined?.terminate()).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' })
    // The place of a worker that died is kept for the next spawn.
    await engine.threads[1]?.terminate()
    await expect(joinerOf(engine)).rejects.toMatchObject({ code: 'ERR_THREAD_LIMIT' })
    await joiner.worker.terminate()
    await until(() => engine.threads.length === 1)
    await joinerOf(engine)
  })

  test('a thread joins once, and never the engine that it made or that made it', async () => {
    const engine = await open(1, 4)
    const joiner = await joinerOf(engine)
    const refused = { code: 'ERR_JOIN_REFUSED' }
    await expect(joiner.ask('join')).rejects.toMatchObject(refused)
    await expect(join(engine.handle())).rejects.toMatchObject(refused)
    const channel = new BroadcastChannel('joins')
    onTestFinished(() => channel.close())
    channel.onmessage = () => channel.postMessage(engine.handle())
    await engine.spawn('joins', fixture('joins.mjs'), { thread: 1 })
    expect(await engine.request('joins.code', 'joins')).toBe('ERR_JOIN_REFUSED')
    // Another engine is another matter.
    const other = await engineFor({ threads: 0, addon })
    await joiner.ask('join', other.handle())
  })

  test('what is no handle of this version is refused with the reason', async () => {
    const engine = await open()
    const handle = engine.handle()
    const wrong: [unknown, string][] = [
      [undefined, 'ERR_HANDLE_INVALID'],
      [{ fly: handle }, 'ERR_HANDLE_INVALID'],
      [{ ...handle, version: 99 }, 'ERR_LAYOUT_MISMATCH'],
      [{ ...handle, memory: new SharedArrayBuffer(8192) }, 'ERR_LAYOUT_MISMATCH'],
    ]
    for (const [found, code] of wrong) {
      await expect(join(found as never), code).rejects.toMatchObject({ code })
    }
    const joiner = new Joiner(handle)
    // A thread that has ended, and one where nobody lets anybody in.
    await expect(joiner.ask('join', { ...handle, threadId: 99_999 })).rejects.toMatchObject({
      code: 'ERR_CLOSED',
    })
    expect(await joiner.ask('join')).toBe(1)
  })
})

test('a handle keeps no process alive', () => {
  const program = `
    import { createEngine } from 'flyshuttle'
    const engine = await createEngine({ threads: 0 })
    engine.handle()
    console.log('made')`
  const args = ['--input-type=module', '--eval', program]
  const ended = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 })
  expect(ended).toMatchObject({ stdout: 'made\n', status: 0 })
})
