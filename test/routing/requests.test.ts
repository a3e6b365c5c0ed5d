import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { REQUEST_TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX } from '../../src/base/limits.js'
import { Requests, type PendingRequest, type RequestOptions } from '../../src/routing/requests.js'
import { HandClock } from '../base/hand-clock.js'

let clock: HandClock
let requests: Requests
let waiting: boolean[]

interface Opened {
  readonly promise: Promise<unknown>
  readonly request: PendingRequest
}

function open(options: RequestOptions = {}): Opened {
  let request: PendingRequest | null = null
  const promise = requests.open('a.b', options, (opened) => (request = opened))
  return { promise, request: request as unknown as PendingRequest }
}

/** What a promise rejects with. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable('it resolved'),
    (error: unknown) => error,
  )

beforeEach(() => {
  vi.useFakeTimers()
  clock = new HandClock()
  waiting = []
  requests = new Requests(clock, { onWaiting: (isWaiting) => waiting.push(isWaiting) })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a request', () => {
  test('resolves with the reply that carries its counter', async () => {
    const first = open()
    const second = open()
    requests.find(second.request.counter)?.succeed('two')
    requests.find(first.request.counter)?.succeed('one')
    expect(await Promise.all([first.promise, second.promise])).toEqual(['one', 'two'])
    expect(requests.pending).toBe(0)
  })

  test('is not found again once it has settled', async () => {
    const { promise, request } = open()
    request.succeed(1)
    expect(requests.find(request.counter)).toBeNull()
    request.succeed(2)
    request.fail(new Error('late'))
    expect(await promise).toBe(1)
  })

  test('never has the counter 0, nor any counter twice', () => {
    const seen = new Set<number>()
    for (let i = 0; i < 20_000; i++) {
      const { promise, request } = open()
      expect(requests.find(request.counter)).toBe(request)
      seen.add(request.counter)
      request.succeed(1)
      void promise
    }
    expect(seen.size).toBe(20_000)
    expect(seen.has(0)).toBe(false)
    expect(requests.find(0)).toBeNull()
  })

  test('is found across the wrap of its counter, which is never negative', () => {
    const counter = 0x7fff_fffd
    requests = new Requests(clock, { onWaiting: () => {} }, { pendingMax: 100, counter })
    const all = Array.from({ length: 8 }, () => open().request)
    for (const request of all) {
      expect(requests.find(request.counter)).toBe(request)
      expect(request.counter).toBe(request.counter | 0)
      expect(request.counter).toBeGreaterThan(0)
    }
    expect(new Set(all.map((request) => request.counter)).size).toBe(8)
  })

  test('is never answered by a late reply to an earlier one', async () => {
    const early = open({ timeoutMs: 10 })
    const failure = failureOf(early.promise)
    clock.ms += 10
    vi.advanceTimersByTime(10)
    expect(await failure).toMatchObject({ code: 'ERR_TIMEOUT' })
    for (let i = 0; i < 10_000; i++) {
      const { request } = open()
      expect(requests.find(early.request.counter)).toBeNull()
      request.succeed(1)
    }
  })

  test('passes over places that older requests still hold', () => {
    const old = [0, 1, 2].map(() => open().request)
    for (let i = 0; i < 5000; i++) open().request.succeed(1)
    for (const request of old) expect(requests.find(request.counter)).toBe(request)
    expect(requests.pending).toBe(3)
  })

  test('is found when many wait, in whatever order they end', () => {
    const all = Array.from({ length: 5000 }, () => open().request)
    for (const request of all) expect(requests.find(request.counter)).toBe(request)
    for (const request of all.filter((_, i) => i % 3 !== 0)) request.succeed(1)
    for (const [i, request] of all.entries()) {
      expect(requests.find(request.counter)).toBe(i % 3 === 0 ? request : null)
    }
    expect(requests.pending).toBe(1667)
  })

  test('fails at its deadline, and not before', async () => {
    const { promise, request } = open({ timeoutMs: 100 })
    expect(request.deadlineMs).toBe(clock.ms + 100)
    const failure = failureOf(promise)
    clock.ms += 99
    vi.advanceTimersByTime(99)
    expect(request.isSettled).toBe(false)
    clock.ms += 1
    vi.advanceTimersByTime(1)
    expect(await failure).toMatchObject({
      code: 'ERR_TIMEOUT',
      message: 'no reply on a.b within 100 ms',
    })
  })

  test('has a deadline though nobody gave one', () => {
    expect(open().request.timeoutMs).toBe(REQUEST_TIMEOUT_MS_DEFAULT)
  })

  test('refuses an option that it does not know', async () => {
    const failure = failureOf(requests.open('a', { timeout: 200 } as never, vi.fn()))
    const error = { code: 'ERR_OPTION_INVALID', data: { option: 'timeout' } }
    expect(await failure).toMatchObject(error)
    expect(waiting).toEqual([])
  })

  test.each([0, -1, Number.NaN, Infinity, TIMEOUT_MS_MAX + 1, '5', null, {}])(
    'refuses to wait for %o',
    async (timeoutMs) => {
      const send = vi.fn()
      const failure = failureOf(requests.open('a', { timeoutMs: timeoutMs as number }, send))
      expect(await failure).toMatchObject({ code: 'ERR_OPTION_INVALID' })
      expect(send).not.toHaveBeenCalled()
      expect(waiting).toEqual([])
    },
  )

  test.each([0.5, TIMEOUT_MS_MAX])('is willing to wait for %d ms', (timeoutMs) => {
    expect(open({ timeoutMs }).request.timeoutMs).toBe(timeoutMs)
  })

  test('fails with what sending throws', async () => {
    const failure = failureOf(
      requests.open('a', {}, () => {
        throw new Error('no way')
      }),
    )
    expect(await failure).toMatchObject({ message: 'no way' })
    expect(requests.pending).toBe(0)
    expect(waiting).toEqual([true, false])
  })

  test('is not even sent when its signal is aborted already', async () => {
    const send = vi.fn()
    const signal = AbortSignal.abort('why')
    expect(await failureOf(requests.open('a', { signal }, send))).toMatchObject({
      code: 'ERR_ABORTED',
      cause: 'why',
    })
    expect(send).not.toHaveBeenCalled()
  })

  test('fails when its signal is aborted', async () => {
    const control = new AbortController()
    const { promise, request } = open({ signal: control.signal })
    control.abort(new Error('enough'))
    expect(await failureOf(promise)).toMatchObject({
      code: 'ERR_ABORTED',
      cause: { message: 'enough' },
    })
    expect(requests.find(request.counter)).toBeNull()
  })

  test('shares the listener of its signal, and has no part in it once it has settled', async () => {
    const control = new AbortController()
    const listen = vi.spyOn(control.signal, 'addEventListener')
    const settled = open({ signal: control.signal })
    const waiting = open({ signal: control.signal })
    settled.request.succeed(1)
    expect(listen).toHaveBeenCalledOnce()
    control.abort()
    expect(await settled.promise).toBe(1)
    expect(await failureOf(waiting.promise)).toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('that is aborted while it is being sent counts as settled', async () => {
    const control = new AbortController()
    const failure = failureOf(
      requests.open('a', { signal: control.signal }, (request) => {
        control.abort()
        expect(request.isSettled).toBe(true)
      }),
    )
    expect(await failure).toMatchObject({ code: 'ERR_ABORTED' })
  })
})

describe('requests', () => {
  test('tell when the first begins to wait and when the last has settled', () => {
    const [a, b] = [open(), open()]
    expect(waiting).toEqual([true])
    a.request.succeed(1)
    expect(waiting).toEqual([true])
    b.request.succeed(1)
    expect(waiting).toEqual([true, false])
    open().request.succeed(1)
    expect(waiting).toEqual([true, false, true, false])
  })

  test('fail together where their thread has ended, and only those', async () => {
    const opened = [1, 2, 1].map((thread) => {
      const one = open()
      one.request.thread = thread
      return one
    })
    const failures = [opened[0], opened[2]].map((one) => failureOf((one as Opened).promise))
    requests.failWhere(
      ({ thread }) => thread === 1,
      ({ subject, thread }) => new Error(`${subject} on ${thread}`),
    )
    for (const failure of failures) expect(await failure).toMatchObject({ message: 'a.b on 1' })
    expect(requests.pending).toBe(1)
    opened[1]?.request.succeed('alive')
    expect(await opened[1]?.promise).toBe('alive')
  })

  test('all fail on close, and no timer stays', async () => {
    const all = Array.from({ length: 50 }, (_, i) => open({ timeoutMs: 10 + i }))
    const failures = all.map(({ promise }) => failureOf(promise))
    requests.close(new Error('closed'))
    for (const failure of failures) expect(await failure).toMatchObject({ message: 'closed' })
    expect(requests.pending).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
    expect(waiting).toEqual([true, false])
  })

  test('are limited: one more than may wait is refused, until one has settled', async () => {
    requests = new Requests(clock, { onWaiting: () => {} }, { pendingMax: 3000, counter: 0 })
    const all = Array.from({ length: 3000 }, () => open())
    expect(await failureOf(open().promise)).toMatchObject({ code: 'ERR_BACKPRESSURE' })
    expect(requests.pending).toBe(3000)
    all[1234]?.request.succeed(1)
    const { request } = open()
    expect(requests.find(request.counter)).toBe(request)
    expect(await failureOf(open().promise)).toMatchObject({ code: 'ERR_BACKPRESSURE' })
  })
})
