// A mailbox that hands over arrays: when, what of, and what becomes of the rest.

import { describe, expect, test } from 'vitest'
import { BatchMailbox, type BatchMessage } from '../../src/agent/batch-mailbox.js'
import { NO_EXTRAS, type Extras, type KeptMessage } from '../../src/agent/info.js'
import type { Why } from '../../src/agent/mailbox.js'
import { PRIORITIES } from '../../src/base/priority.js'

const MESSAGES_MAX = 4
const NOW_MS = 100

/** `ends` ends what the handler is at. */
function mailboxOf(options: { batchMax?: number; isAsync?: boolean; isLossy?: boolean } = {}) {
  const { batchMax = 100, isAsync = false, isLossy = false } = options
  const batches: unknown[][] = []
  const ends: { resolve(): void; reject(error: unknown): void }[] = []
  const told = {
    full: [] as boolean[],
    dropped: 0,
    errors: [] as [unknown, string][],
    dead: [] as [Why, unknown, unknown][],
  }
  const onBatch = (messages: readonly BatchMessage<never>[]): unknown => {
    batches.push(messages.map(({ value }) => value))
    if (!isAsync) return undefined
    return new Promise<void>((resolve, reject) => ends.push({ resolve, reject }))
  }
  const mailbox = new BatchMailbox(
    onBatch,
    batchMax,
    { pattern: '>', concurrency: 1, messagesMax: MESSAGES_MAX, isLossy },
    {
      onFull: (isFull) => told.full.push(isFull),
      onDropped: () => told.dropped++,
      isExpired: (deadlineMs) => deadlineMs <= NOW_MS,
      onDead: (why, error, { kept }) => told.dead.push([why, error, kept]),
      onError: (error, subject) => told.errors.push([error, subject]),
      onReply: () => {},
    },
  )
  const publish = (value: unknown, extras: Partial<Extras> = {}): void =>
    mailbox.publish(value, 'a.b', 2, 0, { ...NO_EXTRAS, ...extras })
  const end = async (): Promise<void> => {
    ends.shift()?.resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { mailbox, batches, ends, told, publish, end }
}

/** What says that a message is to be kept; only its identity matters here. */
const keptAs = (name: string): KeptMessage => ({ subject: name }) as KeptMessage

describe('a batch', () => {
  test('is what gathered until the drain ended, the more urgent first', () => {
    const { mailbox, batches, publish } = mailboxOf()
    publish(1)
    publish(2)
    publish('urgent', { priority: PRIORITIES.indexOf('critical') })
    expect(batches).toEqual([])
    mailbox.deliver()
    expect(batches).toEqual([['urgent', 1, 2]])
    mailbox.deliver()
    expect(batches).toHaveLength(1)
  })

  test('goes at once when it is as large as it may be', () => {
    const { mailbox, batches, publish } = mailboxOf({ batchMax: 2 })
    for (const n of [1, 2, 3]) publish(n)
    expect(batches).toEqual([[1, 2]])
    mailbox.deliver()
    expect(batches).toEqual([[1, 2], [3]])
  })

  test('leaves out what has expired by then, which becomes a letter if that was asked', () => {
    const { mailbox, batches, told, publish } = mailboxOf()
    const kept = keptAs('late')
    publish('late', { deadlineMs: NOW_MS, kept })
    publish('in time', { deadlineMs: NOW_MS + 1, kept: keptAs('in time') })
    publish('late, and kept by nobody', { deadlineMs: NOW_MS })
    mailbox.deliver()
    expect(batches).toEqual([['in time']])
    expect(told.dead).toEqual([['expired', null, kept]])
  })

  test('of which all has expired is handed to nobody', () => {
    const { mailbox, batches, publish } = mailboxOf({ batchMax: 1 })
    publish('late', { deadlineMs: NOW_MS })
    publish('later')
    mailbox.deliver()
    expect(batches).toEqual([['later']])
    expect(mailbox.unfinished).toBe(0)
  })

  test('gathers while the handler is at work, which says full and free again', async () => {
    const { mailbox, batches, told, publish, end } = mailboxOf({ isAsync: true })
    publish(0)
    mailbox.deliver()
    for (const n of [1, 2, 3, 4]) publish(n)
    mailbox.deliver()
    expect(batches).toEqual([[0]])
    expect([told.full, mailbox.waiting, mailbox.unfinished]).toEqual([[true], 4, 5])
    await end()
    expect(batches).toEqual([[0], [1, 2, 3, 4]])
    expect([told.full, mailbox.waiting, mailbox.unfinished]).toEqual([[true, false], 0, 4])
    await end()
    expect(mailbox.unfinished).toBe(0)
  })

  test('that fails is told once, its messages become letters, and the next one comes', async () => {
    const { mailbox, batches, ends, told, publish, end } = mailboxOf({ isAsync: true })
    const [one, two] = [keptAs('one'), keptAs('two')]
    publish(1, { kept: one })
    publish(2, { kept: two })
    mailbox.deliver()
    publish(3)
    const error = new Error('on purpose')
    ends.shift()?.reject(error)
    await end()
    expect(told.errors).toEqual([[error, 'a.b']])
    expect(told.dead).toEqual([
      ['handler-error', error, one],
      ['handler-error', error, two],
    ])
    expect(batches).toEqual([[1, 2], [3]])
  })

  test('that is lossy drops what comes while it is full', async () => {
    const { mailbox, batches, told, publish, end } = mailboxOf({ isAsync: true, isLossy: true })
    publish(0)
    mailbox.deliver()
    const kept = keptAs('seventh')
    for (const n of [1, 2, 3, 4, 5, 6]) publish(n)
    publish(7, { kept })
    expect([told.dropped, told.dead]).toEqual([3, [['no-room', null, kept]]])
    await end()
    expect(batches).toEqual([[0], [1, 2, 3, 4]])
  })
})

describe('stopping', () => {
  test('with draining handles what waits and what still comes, and ends then', async () => {
    const { mailbox, batches, told, publish, end } = mailboxOf({ isAsync: true })
    publish(1)
    let isStopped = false
    const stopped = mailbox.stop(true).then(() => (isStopped = true))
    expect(batches).toEqual([[1]])
    publish(2)
    await end()
    expect([isStopped, batches]).toEqual([false, [[1], [2]]])
    await end()
    await stopped
    publish(3, { kept: keptAs('three') })
    mailbox.deliver()
    expect(batches).toHaveLength(2)
    expect(told.dead.map(([why]) => why)).toEqual(['stopped'])
  })

  test('without draining drops what waits and what still comes', async () => {
    const { mailbox, batches, told, publish, end } = mailboxOf({ isAsync: true })
    publish(1)
    mailbox.deliver()
    publish(2, { kept: keptAs('two') })
    const stopped = mailbox.stop(false)
    publish(3, { kept: keptAs('three') })
    await end()
    await stopped
    expect(batches).toEqual([[1]])
    expect(told.dead.map(([why]) => why)).toEqual(['stopped', 'stopped'])
    expect(told.full).toEqual([])
  })
})
