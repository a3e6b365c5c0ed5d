import { f64, message, rpc, u32 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Half = rpc('half', { request: { n: u32 }, reply: { half: f64 } })
const numbers = (length: number): number[] => Array.from({ length }, (_, n) => n)

describe.each(VARIANTS)('$name', ({ addon }) => {
  /** Everything on one thread: the test says what the responder does. */
  const alone = () => engineFor({ threads: 0, addon, ringBytes: 16_384 })
  const withEcho = async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('echo', fixture('echo.ts'), { thread: 1 })
    return engine
  }

  test('replies come in the order of the values, whatever they are', async () => {
    const engine = await withEcho()
    const values = [{ a: 1 }, 'text', 7, null, [1, 2], Uint8Array.of(1, 2)]
    expect(await engine.requestEach('echo', values)).toEqual(values)
    expect(await engine.requestEach('echo', [])).toEqual([])
    expect(await engine.requestEach('echo.nothing', [1, 2])).toEqual([undefined, undefined])
    // The later ones are answered first.
    const waits = [30, 1, 2].map((ms) => ({ ms }))
    expect(await engine.requestEach('echo.later', waits)).toEqual(waits)
  })

  test('replies follow the rpc, also when several instances share the work', async () => {
    const engine = await alone()
    const by: number[] = []
    for (const which of [0, 1]) {
      await engine.handle(Half, ({ n }) => {
        by.push(which)
        return { half: n / 2 }
      })
    }
    const replies = await engine.requestEach(
      Half,
      numbers(500).map((n) => ({ n })),
    )
    expect(replies).toEqual(numbers(500).map((n) => ({ half: n / 2 })))
    expect(by.filter((which) => which === 0)).toHaveLength(250)
  })

  test('many calls at one time do not get each other’s replies', async () => {
    const engine = await withEcho()
    const calls = numbers(200).map((call) => numbers(1 + ((call * 7) % 150)).map((n) => [call, n]))
    const replies = await Promise.all(
      calls.map((values, call) => {
        if (call % 3 === 0) void engine.request('echo', 'single').then((reply) => reply)
        return engine.requestEach('echo', values)
      }),
    )
    expect(replies).toEqual(calls)
  })

  test('what has no room follows in order, and later messages follow it', async () => {
    const engine = await alone()
    const seen: number[] = []
    await engine.handle('work', (n: number) => {
      seen.push(n)
      return -n
    })
    const values = numbers(20_000)
    const replies = engine.requestEach<number>('work', values)
    const last = engine.request('work', 20_000)
    values.fill(99)
    expect(await replies).toEqual(numbers(20_000).map((n) => 0 - n))
    await last
    expect(seen).toEqual(numbers(20_001))
  })

  test('the first failure rejects, naming the value; the rest is handled anyway', async () => {
    const engine = await alone()
    let handled = 0
    await engine.handle('picky', (n: number) => {
      handled++
      if (n === 3 || n === 5) throw Object.assign(new Error(`not ${n}`), { code: 'E_PICKY' })
      return n
    })
    await expect(engine.requestEach('picky', numbers(10))).rejects.toMatchObject({
      code: 'E_PICKY',
      message: 'not 3',
      data: { index: 3 },
    })
    await until(() => handled === 10)
    expect(await engine.requestEach('picky', [1, 2])).toEqual([1, 2])
  })

  test('a value that cannot be sent rejects, naming it', async () => {
    const engine = await alone()
    await engine.handle(Half, ({ n }) => ({ half: n / 2 }))
    const wrong = engine.requestEach(Half, [{ n: 1 }, { n: -1 }, { n: 2 }])
    await expect(wrong).rejects.toMatchObject({
      code: 'ERR_PAYLOAD_INVALID',
      data: { index: 1, field: 'n' },
    })
    const plain = engine.requestEach('half', [{ n: 1 }, { n: 2 }, () => 3])
    await expect(plain).rejects.toMatchObject({
      code: 'ERR_PAYLOAD_UNSUPPORTED',
      data: { index: 2 },
    })
  })

  test('a wrong call rejects', async () => {
    const engine = await alone()
    const refused = { code: 'ERR_OPTION_INVALID' }
    await expect(engine.requestEach('half', 5 as never)).rejects.toMatchObject(refused)
    const options = { timeout: 5 } as never
    await expect(engine.requestEach('half', [1], options)).rejects.toMatchObject(refused)
    await expect(engine.requestEach('half', [1], null as never)).rejects.toMatchObject(refused)
    await expect(engine.requestEach(message('half') as never, [1])).rejects.toMatchObject(refused)
    const bad = engine.requestEach('half.*', [1])
    await expect(bad).rejects.toMatchObject({ code: 'ERR_SUBJECT_INVALID' })
    const nobody = engine.requestEach('half', [1, 2])
    await expect(nobody).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS', data: { index: 0 } })
  })

  test('ends at its deadline, or when its signal is aborted', async () => {
    const engine = await alone()
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    await engine.handle('gate', () => opened, { concurrency: 10 })
    const late = engine.requestEach('gate', [1, 2], { timeoutMs: 20 })
    await expect(late).rejects.toMatchObject({ code: 'ERR_TIMEOUT', data: { index: 0 } })
    const controller = new AbortController()
    const { signal } = controller
    const aborted = engine.requestEach('gate', [1, 2], { signal })
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: signal.reason })
    const never = engine.requestEach('gate', [1], { signal })
    await expect(never).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    open()
    expect(await engine.requestEach('gate', [1])).toEqual([undefined])
  })

  test('an abort reaches the handlers, and what has not had its turn is not handled', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('patient', fixture('patient.mjs'))
    const controller = new AbortController()
    const values = Array.from({ length: 200 }, (_, n) => n)
    // Longer than the test may take: it is not the deadline that they hear of.
    const options = { signal: controller.signal, timeoutMs: 600_000 }
    const asked = engine.requestEach('patient.wait', values, options)
    const seen = () => engine.request<{ begun: number; aborted: number }>('patient.seen')
    await until(async () => (await seen()).begun === 10)
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await until(async () => (await seen()).aborted === 10)
    // Those in line were let go one after the other, none of them was begun.
    await until(() => engine.stats().threads[1]?.dropped.requests === 190)
    expect(await seen()).toEqual({ begun: 10, aborted: 10 })
    // What is asked from now on is heard.
    expect(await engine.requestEach('patient.echo', [1, 2, 3])).toEqual([1, 2, 3])
  })

  test('rejects when a thread ends that has not answered everything', async () => {
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    await engine.spawn('mortal', fixture('mortal.mjs'), { thread: 1 })
    const waiting = engine.requestEach('mortal.wait', [1, 2, 3])
    const died = expect(waiting).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
    // It ends before it can answer.
    await expect(engine.request('mortal.die')).rejects.toThrow()
    await died
  })

  test('rejects when the engine closes', async () => {
    const engine = await alone()
    await engine.handle('never', () => new Promise(() => {}))
    const waiting = engine.requestEach('never', [1, 2])
    const closed = expect(waiting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await engine.close({ timeoutMs: 50 })
    await closed
    await expect(engine.requestEach('never', [1])).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('a value that publishes something urgent while it is read loses nothing', async () => {
    const engine = await alone()
    const seen: unknown[] = []
    await engine.handle('work', ({ n }: { n: number }) => n)
    await engine.subscribe('work', ({ n }: { n: unknown }) => seen.push(n))
    const values = numbers(400).map((n) => ({
      pad: 'x'.repeat(500),
      get n() {
        if (n === 399) engine.publish('work', { n: 'urgent' }, { priority: 'critical' })
        return n
      },
    }))
    expect(await engine.requestEach('work', values)).toEqual(numbers(400))
    await until(() => seen.includes('urgent'))
    expect(seen.filter((n) => typeof n === 'number')).toEqual(numbers(400))
  })

  test('a value that writes what waits while it is read is sent once', async () => {
    const engine = await alone()
    const seen: number[] = []
    const later: number[] = []
    await engine.handle('work', ({ n }: { n: number }) => void seen.push(n))
    await engine.subscribe('later', (n: number) => void later.push(n))
    const values = numbers(400).map((n) => ({
      pad: 'x'.repeat(500),
      get n() {
        engine.publish('later', n)
        engine.flushSync()
        return n
      },
    }))
    const answered = engine.requestEach('work', values)
    await engine.request('work', { n: 400 })
    await answered
    expect(seen).toEqual(numbers(401))
    // A value for which there was no room is read again.
    await until(() => new Set(later).size === 400)
  })

  test('a value that asks while it is read harms neither call', async () => {
    const engine = await alone()
    await engine.handle(Half, ({ n }) => ({ half: n / 2 }))
    let inner: Promise<{ half: number }[]> | null = null
    const value = {
      get n() {
        inner ??= engine.requestEach(Half, [{ n: 10 }, { n: 12 }])
        return 4
      },
    }
    expect(await engine.requestEach(Half, [{ n: 2 }, value, { n: 6 }])).toEqual(
      [1, 2, 3].map((half) => ({ half })),
    )
    expect(await inner).toEqual([{ half: 5 }, { half: 6 }])
  })
})
