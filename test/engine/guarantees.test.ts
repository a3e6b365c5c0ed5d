// The cells of the table in docs/guarantees.md that no other test holds.

import { message, u32, utf8 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

/** A promise, and what resolves it. */
function makeGate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

/** Just below 1 KiB, so that the overflow of a link is full after about a thousand of them. */
const PAD = 'x'.repeat(900)
const MORE_THAN_FITS = 3000
const Padded = message('padded', { n: u32, pad: utf8(900) })

describe.each(VARIANTS)('$name', ({ addon }) => {
  const startSmall = () => engineFor({ threads: 0, addon, ringBytes: 16_384 })

  test('a member of a queue group whose mailbox is full is passed over', async () => {
    const engine = await startSmall()
    const { open, opened } = makeGate()
    let slow = 0
    let quick = 0
    let all = 0
    const wait = async () => {
      await opened
      slow++
    }
    await engine.subscribe('work', wait, { queue: 'g', mailbox: 1 })
    await engine.subscribe('work', () => void quick++, { queue: 'g' })
    await engine.subscribe('work', () => void all++)
    for (let n = 0; n < 20; n++) {
      expect(engine.publish('work', n)).toBe(true)
      // A mailbox is known to be full only once it has been filled.
      await until(() => all === n + 1)
    }
    await until(() => quick === 18) // One is being handled by the slow one, one waits for it.
    expect(slow).toBe(0)
    open()
    await until(() => slow === 2)
  })

  test('a queue group without room keeps messages in order, then refuses more', async () => {
    const engine = await startSmall()
    const { open, opened } = makeGate()
    const got: number[] = []
    const handle = async ({ n }: { n: number }) => {
      await opened
      got.push(n)
    }
    await engine.subscribe(Padded, handle, { queue: 'g', mailbox: 1 })
    let accepted = 0
    const publishOn = () => {
      for (; accepted < MORE_THAN_FITS; accepted++) {
        engine.publish(Padded, { n: accepted, pad: PAD })
      }
    }
    expect(publishOn).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    expect(engine.publish('elsewhere', 1)).toBe(true)
    open()
    await engine.drained(Padded)
    await until(() => got.length === accepted)
    expect(got).toEqual(Array.from({ length: accepted }, (_, n) => n))
  })

  test('an error in a member of a queue group is told, and no other gets the message', async () => {
    const errors: string[] = []
    const onError = (error: unknown) => void errors.push((error as Error).message)
    const engine = await engineFor({ threads: 0, addon, onError })
    const got: number[] = []
    const fail = (n: number) => {
      throw new Error(`no ${n}`)
    }
    await engine.subscribe('work', fail, { queue: 'g' })
    await engine.subscribe('work', (n: number) => got.push(n), { queue: 'g' })
    for (let n = 0; n < 10; n++) engine.publish('work', n)
    await until(() => got.length + errors.length === 10)
    expect(got).toEqual([1, 3, 5, 7, 9])
    expect(errors).toEqual([0, 2, 4, 6, 8].map((n) => `no ${n}`))
  })

  test('a queue group goes on with those that live when the thread of one ends', async () => {
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    const pool = await engine.spawn('pool', fixture('counter.mjs'), { instances: 2 })
    expect(pool.threads).toEqual([1, 2])
    await engine.threads.find(({ index }) => index === 2)?.terminate()
    for (let n = 0; n < 100; n++) engine.publish('count.shared', { n: 1 })
    const counted = () => engine.request<{ count: number }>('count-of.pool.0')
    await until(async () => (await counted()).count === 100)
  })

  test('closing handles what a queue group was given before', async () => {
    const engine = await engineFor({ threads: 2, addon })
    const counts: number[] = []
    await engine.subscribe('tally.result', ({ count }) => counts.push(count))
    await engine.spawn('tally', fixture('tally.mjs'), { instances: 2 })
    for (let n = 0; n < 1000; n++) engine.publish('tally.in', { n })
    await engine.close()
    expect(counts).toEqual([500, 500])
  })

  test('what a thread that ended had not read is lost, its successor starts anew', async () => {
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    await engine.spawn('stuck', fixture('stuck.mjs'))
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    hung.catch(() => {}) // Looked at below.
    for (let n = 0; n < 10; n++) engine.publish('stuck.in', { n })
    engine.flush()
    await engine.threads.find(({ index }) => index === 1)?.terminate()
    await expect(hung).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
    await engine.spawn('stuck', fixture('stuck.mjs'))
    engine.publish('stuck.in', { n: 0 })
    const seen = () => engine.request<{ count: number; wrong: unknown }>('stuck.seen')
    await until(async () => (await seen()).count > 0)
    expect(await seen()).toMatchObject({ count: 1, wrong: null })
  })

  test('a request that found no room by its deadline is never sent', async () => {
    const engine = await startSmall()
    const { open, opened } = makeGate()
    const got: string[] = []
    const handle = async (name: string) => {
      got.push(name)
      await opened
      return name
    }
    let heard = 0
    await engine.subscribe('busy', () => void heard++)
    await engine.handle('busy', handle, { mailbox: 1 })
    const first = engine.request('busy', 'first')
    await until(() => got.length === 1)
    const second = engine.request('busy', 'second')
    await until(() => heard === 2)
    await expect(engine.request('busy', 'third', { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    open()
    expect(await Promise.all([first, second])).toEqual(['first', 'second'])
    expect(await engine.request('busy', 'fourth')).toBe('fourth')
    expect(got).toEqual(['first', 'second', 'fourth'])
    expect(heard).toBe(3)
  })

  test('a message that one receiver has no room for reaches the others no sooner', async () => {
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384 })
    await engine.spawn('stuck', fixture('stuck.mjs'))
    const here: number[] = []
    await engine.subscribe('stuck.in', ({ n }: { n: number }) => here.push(n))
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    let written = 0
    while (engine.tryPublish('stuck.in', { n: written }) === 'accepted') written++
    let accepted = written
    for (; accepted < written + 100; accepted++) engine.publish('stuck.in', { n: accepted })
    await until(() => here.length >= written)
    expect(here.length).toBe(written)
    await hung
    const seen = () => engine.request<{ count: number; wrong: unknown }>('stuck.seen')
    await until(async () => (await seen()).count === accepted && here.length === accepted)
    expect(here).toEqual(Array.from({ length: accepted }, (_, n) => n))
    expect((await seen()).wrong).toBeNull()
  })

  test('a reply to a thread that has ended is dropped, and its responder goes on', async () => {
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    const { open, opened } = makeGate()
    let asked = 0
    const answer = async (value: unknown) => {
      asked++
      await opened
      return value
    }
    await engine.handle('echo', answer)
    await engine.spawn('asker', fixture('asker.mjs'))
    const lost = engine.request('ask.echo', 1, { timeoutMs: 60_000 })
    lost.catch(() => {}) // Looked at below.
    await until(() => asked === 1)
    await engine.threads.find(({ index }) => index === 1)?.terminate()
    await expect(lost).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
    open()
    expect(await engine.request('echo', 2)).toBe(2)
    await engine.spawn('asker', fixture('asker.mjs'))
    expect(await engine.request('ask.echo', 3)).toEqual({ thread: 1, echoed: 3 })
  })

  test('requests beyond the overflow are rejected, and the others answered', async () => {
    const engine = await startSmall()
    const { open, opened } = makeGate()
    const answer = async ({ n }: { n: number }) => {
      await opened
      return n
    }
    await engine.handle('busy', answer, { mailbox: 1 })
    const asked = Array.from({ length: MORE_THAN_FITS }, (_, n) =>
      engine.request<number>('busy', { n, pad: PAD }, { timeoutMs: 60_000 }),
    )
    const settling = Promise.allSettled(asked)
    open()
    const results = await settling
    const refused = results.findIndex(({ status }) => status === 'rejected')
    expect(refused).toBeGreaterThan(100)
    results.forEach((result, n) => {
      if (n < refused) expect(result).toEqual({ status: 'fulfilled', value: n })
      else expect(result).toMatchObject({ reason: { code: 'ERR_BACKPRESSURE' } })
    })
  })
})
