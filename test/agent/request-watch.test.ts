// Who hears that nobody waits for a reply any more: requests that have arrived, and those that have
// not yet.

import { afterEach, describe, expect, test } from 'vitest'
import { RequestTicket } from '../../src/agent/info.js'
import { RequestWatch } from '../../src/agent/request-watch.js'
import { EARLY_CANCELS_MAX } from '../../src/base/limits.js'
import { ThreadCounters } from '../../src/counters/thread-counters.js'
import { ThreadCounter } from '../../src/memory/layout.js'
import { HandClock } from '../base/hand-clock.js'
import { smallRegion } from '../link/small-region.js'

const PLAIN = -1
const ONE_OF_MANY = 0
const STREAM = 5
const LATER_MS = 60_000

const open: RequestWatch[] = []
afterEach(() => {
  for (const watch of open.splice(0)) watch.close()
})

function watchOf() {
  const clock = new HandClock()
  const counters = new ThreadCounters(smallRegion(2), 1)
  const watch = new RequestWatch(clock, counters)
  open.push(watch)
  const ticketOf = (counter: number, credit = PLAIN, thread = 0, incarnation = 1): RequestTicket =>
    new RequestTicket(
      'ask',
      thread,
      0,
      incarnation,
      counter,
      clock.nowMs() + LATER_MS,
      undefined,
      watch,
      credit,
    )
  return { watch, ticketOf, expired: () => counters.read(ThreadCounter.RequestsExpired) }
}

const codeOf = (signal: AbortSignal): unknown => (signal.reason as { code?: unknown }).code

describe('giving up', () => {
  test('aborts the signal of that request alone', () => {
    const { watch, ticketOf } = watchOf()
    const tickets = [
      ticketOf(1),
      ticketOf(2),
      ticketOf(1, STREAM),
      ticketOf(1, PLAIN, 2),
      ticketOf(3, PLAIN, 0, 2),
    ]
    const signals = tickets.map(({ signal }) => signal)
    watch.cancel(0, 1, 1, false)
    // Of another life of that thread.
    watch.cancel(0, 1, 3, false)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false, false, false])
    expect(codeOf(signals[0] as AbortSignal)).toBe('ERR_ABORTED')
    watch.cancel(0, 1, 1, true)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, true, false, false])
  })

  test('aborts all handlers of a request for many, also one that asks later', () => {
    const { watch, ticketOf } = watchOf()
    const tickets = [1, 2, 3, 4].map(() => ticketOf(7, ONE_OF_MANY))
    const [first, second, third, late] = tickets as [RequestTicket, ...RequestTicket[]]
    const signals = [first, second, third].map((ticket) => (ticket as RequestTicket).signal)
    // One has replied: it hears nothing any more, and the others do.
    watch.done(second as RequestTicket)
    watch.cancel(0, 1, 7, true)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, true])
    expect((late as RequestTicket).signal.aborted).toBe(true)
    expect(watch.isLate(ticketOf(7, ONE_OF_MANY))).toBe(true)
  })

  test.each([
    ['the one that asked first', [0]],
    ['the one that asked last', [2]],
    ['all', [0, 1, 2]],
    ['all, backwards', [2, 1, 0]],
  ])('leaves out those that have replied: %s', (_, replied) => {
    const { watch, ticketOf } = watchOf()
    const tickets = [1, 2, 3].map(() => ticketOf(7, ONE_OF_MANY))
    const signals = tickets.map(({ signal }) => signal)
    for (const index of replied) watch.done(tickets[index] as RequestTicket)
    watch.cancel(0, 1, 7, true)
    expect(signals.map(({ aborted }) => aborted)).toEqual(
      [0, 1, 2].map((index) => !(replied as number[]).includes(index)),
    )
  })

  test('before the request has come has it not handled, and counted', () => {
    const { watch, ticketOf, expired } = watchOf()
    watch.cancel(0, 1, 1, false)
    expect(watch.isLate(ticketOf(1, STREAM))).toBe(false)
    expect(watch.isLate(ticketOf(1))).toBe(true)
    expect(expired()).toBe(1)
    // The same number again is another request.
    expect(watch.isLate(ticketOf(1))).toBe(false)
  })

  test('is kept in mind for so many requests that have not come, and no more', () => {
    const { watch, ticketOf } = watchOf()
    for (let counter = 0; counter <= EARLY_CANCELS_MAX; counter++)
      watch.cancel(0, 1, counter, false)
    expect(watch.isLate(ticketOf(0))).toBe(false)
    expect(watch.isLate(ticketOf(1))).toBe(true)
    expect(watch.isLate(ticketOf(EARLY_CANCELS_MAX))).toBe(true)
  })
})

describe('the end of a thread', () => {
  test('aborts what it had asked, all of it, and forgets what it gave up', () => {
    const { watch, ticketOf } = watchOf()
    const tickets = [ticketOf(1), ticketOf(7, ONE_OF_MANY), ticketOf(7, ONE_OF_MANY)]
    const signals = tickets.map(({ signal }) => signal)
    const other = ticketOf(1, PLAIN, 1).signal
    watch.cancel(0, 1, 99, false)
    watch.cancel(1, 1, 99, false)
    watch.onDeaths((thread, incarnation) => thread === 0 && incarnation === 1)
    expect(signals.map(codeOf)).toEqual(['ERR_THREAD_DIED', 'ERR_THREAD_DIED', 'ERR_THREAD_DIED'])
    expect(other.aborted).toBe(false)
    expect(watch.isLate(ticketOf(99))).toBe(false)
    expect(watch.isLate(ticketOf(99, PLAIN, 1))).toBe(true)
  })
})
