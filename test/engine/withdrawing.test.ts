// Subscriptions of a worker whose main thread does not answer in time.

import { describe, expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import { Subscriptions } from '../../src/engine/subscriptions.js'
import type { LocalSubscription } from '../../src/routing/target.js'
import { smallRegion } from '../link/small-region.js'

const PARTY = { agent: 0, name: '' }
const late = (): Error => new FlyshuttleError('ERR_TIMEOUT', { subject: '(control)', wanted: 1 })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * A worker's subscriptions, and a main thread that does in order what it was told, some time after
 * the worker has stopped waiting for as long as `isBlocked`.
 */
function make() {
  const mine = new Map<number, LocalSubscription>()
  const known = new Set<number>()
  const errors: unknown[] = []
  const main = { isBlocked: false, line: [] as (() => void)[] }
  const ask = async (wish: () => void): Promise<void> => {
    if (!main.isBlocked) return wish()
    main.line.push(wish)
    await turn()
    if (main.isBlocked) throw late()
  }
  const dispatcher = {
    subscriptions: mine,
    add: (one: LocalSubscription) => mine.set(one.entry.id, one),
    remove: ({ entry }: LocalSubscription) => mine.delete(entry.id),
  }
  const host = {
    takeIds: () => turn().then(() => []),
    announce: ({ id }: { id: number }) => ask(() => known.add(id)),
    withdraw: (id: number) => ask(() => known.delete(id)),
    drainArrived: async () => {},
    onForgotten: () => {},
    streamsEnded: () => Promise.resolve(),
    onRoom: () => {},
    onError: (error: unknown) => errors.push(error),
  }
  const subscriptions = new Subscriptions(
    smallRegion(2),
    1,
    1,
    [7],
    dispatcher as never,
    host as never,
  )
  const unblock = (): void => {
    main.isBlocked = false
    for (const wish of main.line.splice(0)) wish()
  }
  const add = (options = {}) => subscriptions.add('a', () => {}, options, true, PARTY)
  return { add, known, mine, errors, main, unblock }
}

describe('while the main thread is blocked', () => {
  test('a subscription given up is withdrawn, and its number not used before', async () => {
    const { add, known, mine, errors, main, unblock } = make()
    main.isBlocked = true
    await expect(add()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(mine.size).toBe(0)
    // It would find no number but that one, and here no others come.
    let isMade = false
    const next = add().then(() => (isMade = true))
    for (let more = 0; more < 5; more++) await turn()
    expect(isMade).toBe(false)
    unblock()
    await next
    expect([...known]).toEqual([7])
    expect([...mine.keys()]).toEqual([7])
    expect(errors).toEqual([])
  })

  test('one that has taken its last message goes on until it is withdrawn', async () => {
    const { add, known, mine, errors, main, unblock } = make()
    const { allowance } = await add({ max: 1 })
    main.isBlocked = true
    expect(allowance?.take()).toBe(true)
    expect(allowance?.take()).toBe(false)
    for (let more = 0; more < 5; more++) await turn()
    expect([...known]).toEqual([7])
    unblock()
    while (mine.size > 0) await turn()
    expect(known.size).toBe(0)
    expect(errors).toEqual([])
  })
})
