import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { NO_EXTRAS, RequestTicket, type MessageInfo } from '../../src/agent/info.js'
import { Mailbox, type MailboxOptions } from '../../src/agent/mailbox.js'
import { PRIORITIES, type Priority } from '../../src/base/priority.js'

/** A promise that the test settles. */
class Gate {
  readonly promise: Promise<unknown>
  resolve!: (value?: unknown) => void
  reject!: (error: unknown) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

interface Told {
  readonly full: boolean[]
  dropped: number
  expired: number
  readonly errors: [unknown, string][]
  readonly replies: [number, boolean, unknown][]
}

type AnyHandler = (value: any, info: MessageInfo) => unknown

function mailboxOf(
  handler: AnyHandler,
  options: Partial<MailboxOptions> = {},
): { mailbox: Mailbox; told: Told } {
  const told: Told = { full: [], dropped: 0, expired: 0, errors: [], replies: [] }
  const mailbox = new Mailbox(
    handler,
    { pattern: '>', concurrency: 1, messagesMax: 4, ...options },
    {
      onFull: (isFull) => told.full.push(isFull),
      onDropped: () => told.dropped++,
      // The test's clock stands at 0.
      isExpired: (deadlineMs) => deadlineMs <= 0 && told.expired++ >= 0,
      onError: (error, subject) => told.errors.push([error, subject]),
      onReply: (ticket, ok, result) => told.replies.push([ticket.counter, ok, result]),
    },
  )
  return { mailbox, told }
}

const ticketOf = (counter: number): RequestTicket => new RequestTicket('ask', 2, 7, 1, counter, 99)

/** Handlers that stay open until their gate is opened; `started` is the order of their begins. */
function gated(options: Partial<MailboxOptions> = {}) {
  const started: number[] = []
  const gates = new Map<number, Gate>()
  const made = mailboxOf((value: number) => {
    started.push(value)
    const gate = new Gate()
    gates.set(value, gate)
    return gate.promise
  }, options)
  const open = async (value: number): Promise<void> => {
    gates.get(value)?.resolve(value * 10)
    await turn()
  }
  return { ...made, started, gates, open }
}

/** All microtasks have run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a mailbox', () => {
  test('calls a handler that returns at once straight away', () => {
    const seen: unknown[] = []
    const { mailbox, told } = mailboxOf((value, info) =>
      seen.push([value, info.subject, info.thread, info.agent, info.isRequest]),
    )
    mailbox.publish('v', 'a.b', 3, 5)
    expect(seen).toEqual([['v', 'a.b', 3, 5, false]])
    expect(mailbox.unfinished).toBe(0)
    expect(told).toEqual({ full: [], dropped: 0, expired: 0, errors: [], replies: [] })
  })

  test.each([1, 3])(
    'lets %i asynchronous handlers run at one time, in order',
    async (concurrency) => {
      const { mailbox, started, open } = gated({ concurrency })
      for (let i = 0; i < 6; i++) mailbox.publish(i, 'a', 0, 0)
      const running = [0, 1, 2].slice(0, concurrency)
      expect(started).toEqual(running)
      expect(mailbox.isBusy).toBe(true)
      expect(mailbox.unfinished).toBe(6)
      for (let i = 0; i < 6; i++) await open(i)
      expect(started).toEqual([0, 1, 2, 3, 4, 5])
      expect(mailbox.unfinished).toBe(0)
      expect(mailbox.isBusy).toBe(false)
    },
  )

  test('lets nobody pass those who wait', async () => {
    const { mailbox, started, open } = gated()
    mailbox.publish(0, 'a', 0, 0)
    mailbox.publish(1, 'a', 0, 0)
    mailbox.request(2, ticketOf(2))
    await open(0)
    mailbox.publish(3, 'a', 0, 0)
    await open(1)
    await open(2)
    await open(3)
    expect(started).toEqual([0, 1, 2, 3])
  })

  test('lets nobody pass those who wait, not even from within a handler', async () => {
    const started: number[] = []
    const gate = new Gate()
    const { mailbox } = mailboxOf((value: number) => {
      started.push(value)
      if (value === 1) mailbox.publish(9, 'a', 0, 0)
      return value === 0 ? gate.promise : undefined
    })
    for (let i = 0; i < 3; i++) mailbox.publish(i, 'a', 0, 0)
    gate.resolve()
    await turn()
    expect(started).toEqual([0, 1, 2, 9])
  })

  test('says that it is full once, and once that it has room again', async () => {
    const { mailbox, told, open } = gated({ messagesMax: 4 })
    for (let i = 0; i < 4; i++) mailbox.publish(i, 'a', 0, 0)
    expect(told.full).toEqual([])
    for (let i = 4; i < 8; i++) mailbox.publish(i, 'a', 0, 0) // Frames that were under way.
    expect(told.full).toEqual([true])
    for (let i = 0; i < 4; i++) await open(i)
    expect(told.full).toEqual([true])
    await open(4)
    expect(told.full).toEqual([true, false])
    for (let i = 5; i < 8; i++) await open(i)
    expect(told.full).toEqual([true, false])
  })

  test('has room again with a limit of one message', async () => {
    const { mailbox, told, open } = gated({ messagesMax: 1 })
    mailbox.publish(0, 'a', 0, 0)
    mailbox.publish(1, 'a', 0, 0)
    expect(told.full).toEqual([true])
    await open(0)
    expect(told.full).toEqual([true, false])
  })

  test('drops and counts publishes that a lossy one has no place for, but no request', async () => {
    const { mailbox, told, started, open } = gated({ messagesMax: 2, isLossy: true })
    for (let i = 0; i < 6; i++) mailbox.publish(i, 'a', 0, 0)
    mailbox.request(6, ticketOf(6))
    expect(told.dropped).toBe(3)
    expect(mailbox.unfinished).toBe(4)
    for (const i of [0, 1, 2, 6]) await open(i)
    expect(started).toEqual([0, 1, 2, 6])
    expect(told.full).toEqual([true, false])
  })

  test('serves the more urgent of those who wait first, requests among them', async () => {
    const { mailbox, started, open } = gated()
    const of = (priority: Priority) => ({ ...NO_EXTRAS, priority: PRIORITIES.indexOf(priority) })
    mailbox.publish(0, 'a', 0, 0)
    mailbox.publish(1, 'a', 0, 0, of('batch'))
    mailbox.publish(2, 'a', 0, 0, of('low'))
    mailbox.publish(3, 'a', 0, 0)
    mailbox.request(4, new RequestTicket('ask', 2, 7, 1, 4, 99, of('high')))
    mailbox.publish(5, 'a', 0, 0, of('critical'))
    mailbox.publish(6, 'a', 0, 0, of('critical'))
    for (const n of [0, 5, 6, 4, 3, 2, 1]) await open(n)
    expect(started).toEqual([0, 5, 6, 4, 3, 2, 1])
  })

  test('passes over publishes that nobody wants any more when their turn comes', async () => {
    const { mailbox, told, started, open } = gated({ messagesMax: 2 })
    const until = (deadlineMs: number) => ({ ...NO_EXTRAS, deadlineMs })
    mailbox.publish(0, 'a', 0, 0)
    mailbox.publish(1, 'a', 0, 0, until(-1))
    mailbox.publish(2, 'a', 0, 0, until(1))
    mailbox.publish(3, 'a', 0, 0, until(-1))
    await open(0)
    await open(2)
    expect(started).toEqual([0, 2])
    expect(told.expired).toBe(2)
    expect(told.full).toEqual([true, false])
    expect(mailbox.unfinished).toBe(0)
  })

  test('reports what a handler throws or rejects with, and goes on', async () => {
    const { mailbox, told } = mailboxOf((value: string) => {
      if (value === 'throw') throw 'thrown'
      return value === 'reject' ? Promise.reject('rejected') : undefined
    })
    mailbox.publish('throw', 'a', 0, 0)
    mailbox.publish('reject', 'b', 0, 0)
    mailbox.publish('throw', 'c', 0, 0)
    await turn()
    mailbox.publish('fine', 'd', 0, 0)
    expect(told.errors).toEqual([
      ['thrown', 'a'],
      ['rejected', 'b'],
      ['thrown', 'c'],
    ])
    expect(mailbox.unfinished).toBe(0)
  })

  test('replies with what a handler returns, resolves to, throws or rejects with', async () => {
    const { mailbox, told } = mailboxOf((value: () => unknown) => value(), { concurrency: 8 })
    mailbox.request(() => 1, ticketOf(1))
    mailbox.request(() => undefined, ticketOf(2))
    mailbox.request(() => {
      throw 'thrown'
    }, ticketOf(3))
    expect(told.replies).toEqual([
      [1, true, 1],
      [2, true, undefined],
      [3, false, 'thrown'],
    ])
    mailbox.request(() => Promise.resolve(4), ticketOf(4))
    mailbox.request(() => Promise.reject('rejected'), ticketOf(5))
    await turn()
    expect(told.replies.slice(3)).toEqual([
      [4, true, 4],
      [5, false, 'rejected'],
    ])
    expect(mailbox.unfinished).toBe(0)
  })

  describe('with a handler that returns a thenable', () => {
    const thenables: [string, () => unknown, boolean, unknown][] = [
      [
        'that answers later',
        () => ({ then: (f: (v: number) => void) => setImmediate(f, 1) }),
        true,
        1,
      ],
      ['that answers at once', () => ({ then: (f: (v: number) => void) => f(1) }), true, 1],
      ['that answers twice', () => ({ then: (f: (v: number) => void) => [f(1), f(2)] }), true, 1],
      [
        'whose then throws',
        () => ({
          then: () => {
            throw 'no'
          },
        }),
        false,
        'no',
      ],
      [
        'whose then cannot be read',
        () => ({
          get then() {
            throw 'no'
          },
        }),
        false,
        'no',
      ],
    ]

    test.each(thenables)('%s it replies once', async (_, make, ok, result) => {
      const { mailbox, told } = mailboxOf(make)
      mailbox.request(0, ticketOf(1))
      await turn()
      await turn()
      expect(told.replies).toEqual([[1, ok, result]])
      expect(mailbox.unfinished).toBe(0)
    })

    test.each(thenables)('%s a publish frees its place once', async (_, make, ok) => {
      const { mailbox, told } = mailboxOf(make)
      for (let i = 0; i < 3; i++) mailbox.publish(0, 'a', 0, 0)
      for (let i = 0; i < 8; i++) await turn()
      expect(mailbox.unfinished).toBe(0)
      expect(mailbox.isBusy).toBe(false)
      expect(told.errors).toHaveLength(ok ? 0 : 3)
    })

    test('at once, a long line is worked off without growing the stack', async () => {
      const { mailbox, gates } = gated({ messagesMax: 1e6 })
      mailbox.publish(0, 'a', 0, 0)
      const { mailbox: long, told } = mailboxOf(
        (value: number) => (value === 0 ? gates.get(0)?.promise : { then: (f: () => void) => f() }),
        { messagesMax: 1e6 },
      )
      for (let i = 0; i < 20_000; i++) long.publish(i, 'a', 0, 0)
      gates.get(0)?.resolve()
      await long.stop(true)
      expect(told.errors).toEqual([])
      expect(long.unfinished).toBe(0)
    })
  })

  test('lets the info of a publish expire when the handler returns', () => {
    const kept: MessageInfo[] = []
    const { mailbox } = mailboxOf((_, info) => void kept.push(info))
    mailbox.publish(1, 'a', 0, 0)
    expect(() => kept[0]?.subject).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
  })

  test('lets the info of a publish expire when the handler throws', () => {
    const kept: MessageInfo[] = []
    const { mailbox } = mailboxOf((_, info) => {
      kept.push(info)
      throw 'x'
    })
    mailbox.publish(1, 'a', 0, 0)
    expect(() => kept[0]?.thread).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
  })

  test('lets the info of a publish expire at the first await, that of a request not', async () => {
    const before: string[] = []
    const { mailbox, told } = mailboxOf(
      async (_, info) => {
        before.push(info.subject)
        await null
        return info.subject
      },
      { concurrency: 2 },
    )
    mailbox.publish(1, 'a', 0, 0)
    mailbox.request(1, ticketOf(1))
    await turn()
    expect(before).toEqual(['a', 'ask'])
    expect(told.errors).toMatchObject([[{ code: 'ERR_INFO_EXPIRED' }, 'a']])
    expect(told.replies).toEqual([[1, true, 'ask']])
  })

  test('tells those who waited in line their own subject', async () => {
    const seen: string[] = []
    const { mailbox } = mailboxOf(
      async (_, info) => void seen.push(`${info.subject} ${info.agent}`),
    )
    mailbox.publish(1, 'a', 0, 1)
    mailbox.publish(1, 'b', 0, 2)
    mailbox.publish(1, 'c', 0, 3)
    await turn()
    expect(seen).toEqual(['a 1', 'b 2', 'c 3'])
  })

  describe('that is stopped', () => {
    test('resolves at once when nothing is under way', async () => {
      await mailboxOf(() => 1).mailbox.stop(true)
      await mailboxOf(() => 1).mailbox.stop(false)
    })

    test('with draining handles all that waits', async () => {
      const { mailbox, started, open } = gated()
      for (let i = 0; i < 3; i++) mailbox.publish(i, 'a', 0, 0)
      let isStopped = false
      const stopped = mailbox.stop(true).then(() => (isStopped = true))
      await open(0)
      await open(1)
      expect(isStopped).toBe(false)
      await open(2)
      await stopped
      expect(started).toEqual([0, 1, 2])
    })

    test('without draining drops what waits and what still comes, at once', async () => {
      const { mailbox, started, open } = gated()
      for (let i = 0; i < 3; i++) mailbox.publish(i, 'a', 0, 0)
      const stopped = mailbox.stop(false)
      mailbox.publish(3, 'a', 0, 0)
      await open(0)
      await stopped
      expect(started).toEqual([0])
      expect(mailbox.unfinished).toBe(0)
    })

    test('what it gives up is told with why, if it was to be kept', async () => {
      const dead: unknown[] = []
      const gate = new Gate()
      const mailbox = new Mailbox(
        (value: number) => {
          if (value < 0) throw new RangeError(`no ${value}`)
          return gate.promise
        },
        { pattern: '>', concurrency: 1, messagesMax: 1, isLossy: true },
        {
          onFull: () => {},
          onDropped: () => {},
          onError: () => {},
          onReply: () => {},
          isExpired: () => false,
          onDead: (why, error, { kept }) => dead.push([why, kept?.subject, error]),
        },
      )
      const publish = (value: number, subject: string | null): void => {
        const bytes = new Uint8Array()
        const message = { source: 0, codec: 0, typeId: 0, payload: bytes, packed: null } as const
        const kept = subject === null ? null : { ...message, subject, receivedAtMs: 0 }
        mailbox.publish(value, subject ?? 'z', 0, 0, { ...NO_EXTRAS, kept })
      }
      publish(-1, 'throws')
      publish(-1, null)
      publish(1, 'is handled')
      publish(2, 'waits')
      publish(3, 'finds no place')
      const stopped = mailbox.stop(false)
      publish(4, 'comes late')
      gate.resolve(0)
      await stopped
      expect(dead).toEqual([
        ['handler-error', 'throws', new RangeError('no -1')],
        ['no-room', 'finds no place', null],
        ['stopped', 'waits', null],
        ['stopped', 'comes late', null],
      ])
    })

    test('without draining lowers the full bit at once', async () => {
      const { mailbox, told, open } = gated({ messagesMax: 2 })
      for (let i = 0; i < 5; i++) mailbox.publish(i, 'a', 0, 0)
      const stopped = mailbox.stop(false)
      expect(told.full).toEqual([true, false])
      await open(0)
      await stopped
      expect(told.full).toEqual([true, false])
    })

    test('tells the requesters that it leaves unanswered', async () => {
      const { mailbox, told, open } = gated()
      for (let i = 1; i <= 3; i++) mailbox.request(i, ticketOf(i))
      const stopped = mailbox.stop(false)
      mailbox.request(4, ticketOf(4))
      await open(1)
      await stopped
      mailbox.request(5, ticketOf(5))
      const refused = [false, expect.objectContaining({ code: 'ERR_NO_RESPONDERS' })]
      expect(told.replies).toEqual([
        [2, ...refused],
        [3, ...refused],
        [4, ...refused],
        [1, true, 10],
        [5, ...refused],
      ])
    })

    test('takes no more messages', async () => {
      const { mailbox, started } = gated()
      await mailbox.stop(true)
      mailbox.publish(1, 'a', 0, 0)
      expect(started).toEqual([])
    })

    test('tells everybody who waits for its end', async () => {
      const { mailbox, open } = gated()
      mailbox.publish(0, 'a', 0, 0)
      const all = Promise.all([mailbox.stop(true), mailbox.stop(true), mailbox.stop(false)])
      await open(0)
      await all
    })
  })

  test('goes on when an event throws; the throw is nobody else’s', async () => {
    const uncaught: unknown[] = []
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
      try {
        task()
      } catch (error) {
        uncaught.push(error)
      }
    })
    const mailbox = new Mailbox(
      (value: () => unknown) => value(),
      { pattern: '>', concurrency: 1, messagesMax: 9 },
      {
        onFull: () => {},
        onDropped: () => {},
        isExpired: () => false,
        onError: (error) => {
          throw `event ${error}`
        },
        onReply: (_, ok, result) => {
          throw `reply ${ok} ${result}`
        },
      },
    )
    mailbox.publish((() => Promise.reject(1)) as never, 'a', 0, 0)
    mailbox.publish(
      (() => {
        throw 2
      }) as never,
      'a',
      0,
      0,
    )
    mailbox.request(() => Promise.resolve(3), ticketOf(1))
    mailbox.request(() => Promise.reject(4), ticketOf(1))
    mailbox.request(() => 5, ticketOf(1))
    await mailbox.stop(true)
    later.mockRestore()
    expect(uncaught).toEqual([
      'event 1',
      'event 2',
      'reply true 3',
      'reply false 4',
      'reply true 5',
    ])
    expect(mailbox.unfinished).toBe(0)
  })

  test('keeps order and limits whatever comes and whenever handlers end', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('sync', 'async', 'fails') },
      { weight: 2, arbitrary: fc.nat({ max: 5 }) },
    )
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(step, { maxLength: 40 }),
      async (concurrency, messagesMax, steps) => {
        const started: number[] = []
        const running: { gate: Gate; fails: boolean }[] = []
        let most = 0
        const { mailbox, told } = mailboxOf(
          ({ kind, n }: { kind: string; n: number }) => {
            started.push(n)
            if (kind === 'sync') return undefined
            const gate = new Gate()
            running.push({ gate, fails: kind === 'fails' })
            most = Math.max(most, running.length)
            return gate.promise
          },
          { concurrency, messagesMax },
        )
        const end = async (index: number): Promise<void> => {
          const [ended] = running.splice(index % running.length, 1)
          if (ended?.fails === true) ended.gate.reject('failed')
          else ended?.gate.resolve()
          await Promise.resolve()
          await Promise.resolve()
        }
        let sent = 0
        for (const one of steps) {
          if (typeof one === 'string') mailbox.publish({ kind: one, n: sent++ }, 'a', 0, 0)
          else if (running.length > 0) await end(one)
        }
        while (running.length > 0) await end(0)
        await mailbox.stop(true)
        expect(started).toEqual([...Array(sent).keys()])
        expect(most).toBeLessThanOrEqual(concurrency)
        expect(told.full).toEqual(told.full.map((_, i) => i % 2 === 0))
        expect(told.full.length % 2).toBe(0)
      },
    )
    await fc.assert(property, { numRuns: 150 })
  })
})
