// Policies of queue groups and responders, through the public API.

import { message, rpc, u32, utf8 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Order = message('order', { id: u32, user: utf8(16) })

const invalid = (...texts: string[]) =>
  expect.objectContaining({
    code: 'ERR_OPTION_INVALID',
    message: expect.stringMatching(new RegExp(texts.join('.*'))),
  })

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = () => engineFor({ threads: 0, addon })

  test('members with weights get their shares', async () => {
    const engine = await start()
    const got = [0, 0]
    const options = { queue: 'boards', policy: 'weighted' } as const
    await engine.subscribe('flights', () => void got[0]!++, { ...options, weight: 3 })
    await engine.subscribe('flights', () => void got[1]!++, options)
    for (let n = 0; n < 40; n++) engine.publish('flights', n)
    await until(() => got[0]! + got[1]! === 40)
    expect(got).toEqual([30, 10])
  })

  test('a field of a struct is the key: one user, one member', async () => {
    const engine = await start()
    const seen: Set<string>[] = [new Set(), new Set(), new Set()]
    let count = 0
    for (const users of seen) {
      const handle = ({ user }: { user: string }) => {
        users.add(user)
        count++
      }
      await engine.subscribe(Order, handle, { queue: 'q', policy: { key: 'user' } })
    }
    for (let id = 0; id < 300; id++) engine.publish(Order, { id, user: `user-${id % 30}` })
    await until(() => count === 300)
    const all = seen.flatMap((users) => [...users])
    expect(all).toHaveLength(30)
    expect(new Set(all).size).toBe(30)
    for (const users of seen) expect(users.size).toBeGreaterThan(0)
  })

  test('the key of a publish goes before the field, and is one where there is none', async () => {
    const engine = await start()
    const owner = new Map<string, number>()
    let count = 0
    for (const member of [0, 1, 2]) {
      const handle = (value: { say: string }) => {
        if (owner.has(value.say)) expect(owner.get(value.say)).toBe(member)
        owner.set(value.say, member)
        count++
      }
      await engine.subscribe('any', handle, { queue: 'q', policy: { key: 'user' } })
    }
    for (let n = 0; n < 200; n++) {
      const say = `k${n % 20}`
      engine.publish('any', { say, user: n }, { key: say })
    }
    await until(() => count === 200)
    expect(new Set(owner.values()).size).toBe(3)
  })

  test('the least loaded member gets the message, its mailbox counted', async () => {
    const engine = await start()
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    let slow = 0
    let quick = 0
    let all = 0
    const options = { queue: 'q', policy: 'least-loaded' } as const
    const wait = async () => {
      slow++
      await gate
    }
    await engine.subscribe('work', wait, options)
    await engine.subscribe('work', () => void quick++, options)
    await engine.subscribe('work', () => void all++)
    for (let n = 0; n < 20; n++) {
      engine.publish('work', n)
      await until(() => all === n + 1)
    }
    expect([slow, quick]).toEqual([1, 19])
    open()
  })

  test('with two choices a member that hangs keeps what it has, and gets no more', async () => {
    const engine = await start()
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const got = [0, 0]
    let all = 0
    const options = { queue: 'q', policy: 'two-choices' } as const
    await engine.subscribe('work', () => (got[0]!++, gate), options)
    await engine.subscribe('work', () => void got[1]!++, options)
    await engine.subscribe('work', () => void all++)
    for (let n = 0; n < 20; n++) {
      engine.publish('work', n)
      await until(() => all === n + 1)
    }
    expect(got[0]).toBeLessThanOrEqual(1)
    expect(got[0]! + got[1]!).toBe(20)
    open()
  })

  test('strict affinity waits for the member of the key, and keeps its order', async () => {
    const engine = await start()
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const got: [number, number][] = []
    for (const member of [0, 1]) {
      const handle = async ({ n }: { n: number }) => {
        await gate
        got.push([member, n])
      }
      const policy = { key: 'k', strict: true } as const
      await engine.subscribe('work', handle, { queue: 'q', policy, mailbox: 1 })
    }
    for (let n = 0; n < 50; n++) {
      engine.publish('work', { n, k: 'same' })
      await new Promise((resolve) => setImmediate(resolve)) // So that a full mailbox is seen.
    }
    open()
    await until(() => got.length === 50)
    expect(got.map(([, n]) => n)).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(new Set(got.map(([member]) => member)).size).toBe(1)
  })

  test('without strict another member takes what the full one cannot', async () => {
    const engine = await start()
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const got = [0, 0]
    for (const member of [0, 1]) {
      const handle = async () => {
        got[member]!++
        await gate
      }
      const options = { queue: 'q', policy: { key: 'k' }, mailbox: 1 } as const
      await engine.subscribe('work', handle, options)
    }
    for (let n = 0; n < 10; n++) {
      engine.publish('work', { n, k: 'same' })
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => got[0] === 1 && got[1] === 1)
    open()
    await until(() => got[0]! + got[1]! === 10)
  })

  test('requests go to a responder by the same policies', async () => {
    const engine = await start()
    const Who = rpc('who', { request: { user: utf8(8) }, reply: { member: u32 } })
    for (const member of [0, 1, 2]) {
      await engine.handle(Who, () => ({ member }), { policy: { key: 'user' } })
    }
    const members = new Set<number>()
    for (const user of ['ann', 'bob', 'cid', 'dan', 'eve', 'fay', 'gus', 'hal']) {
      const first = await engine.request(Who, { user })
      for (let n = 0; n < 3; n++) expect(await engine.request(Who, { user })).toEqual(first)
      members.add(first.member)
    }
    expect(members.size).toBe(3)
  })

  test('a member with another policy is refused, with both named', async () => {
    const engine = await start()
    const first = await engine.subscribe('work.*', () => {}, { queue: 'q', policy: 'weighted' })
    await expect(engine.subscribe('work.a', () => {}, { queue: 'q' })).rejects.toEqual(
      invalid("'round-robin' for work.a", "'weighted'", 'queue group q on work'),
    )
    // Another group, or patterns that never meet, may choose as they like.
    await engine.subscribe('work.a', () => {}, { queue: 'other', policy: { key: 'user' } })
    await engine.subscribe('rest.a', () => {}, { queue: 'q' })
    await first.unsubscribe()
    await engine.subscribe('work.a', () => {}, { queue: 'q' })
    await engine.handle('ask', () => 1, { policy: 'two-choices' })
    await expect(engine.handle('ask', () => 1, { policy: 'key' })).rejects.toEqual(
      invalid("'key' for ask", "'two-choices', as the responders of ask"),
    )
  })

  test('a policy that cannot be is refused before anybody hears of it', async () => {
    const engine = await start()
    const subscribe = (options: object) => engine.subscribe(Order, () => {}, options as never)
    await expect(subscribe({ policy: 'weighted' })).rejects.toEqual(invalid('policy', 'a queue'))
    await expect(subscribe({ queue: 'q', policy: 'fair' })).rejects.toEqual(invalid('"fair"'))
    await expect(subscribe({ queue: 'q', weight: 2 })).rejects.toEqual(invalid('weight is 2'))
    await expect(subscribe({ queue: 'q', policy: 'weighted', weight: 0 })).rejects.toEqual(
      invalid('weight is 0', '1 to 1000'),
    )
    await expect(subscribe({ queue: 'q', policy: { key: 'name' } })).rejects.toEqual(
      invalid('policy.key is "name"', 'a field of order: id, user'),
    )
    await subscribe({ queue: 'q', policy: { key: 'user' } })
  })

  test('instances of an agent share by its policy, a single one needs none', async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('keyed', fixture('keyed.mjs'), { instances: 2 })
    await engine.spawn('alone', fixture('keyed.mjs'))
    for (let n = 0; n < 200; n++) engine.publish('keyed.in', { n, user: n % 10 })
    const seen = async (name: string) =>
      engine.request<Record<string, number>>(`keyed.seen.${name}`)
    const total = (counts: Record<string, number>) =>
      Object.values(counts).reduce((sum, count) => sum + count, 0)
    await until(async () => {
      const [zero, one, alone] = await Promise.all(['keyed.0', 'keyed.1', 'alone.0'].map(seen))
      return total(zero!) + total(one!) === 200 && total(alone!) === 200
    })
    const [zero, one] = await Promise.all(['keyed.0', 'keyed.1'].map(seen))
    // Each user's twenty messages at one instance.
    expect({ ...zero, ...one }).toEqual(
      Object.fromEntries(Array.from({ length: 10 }, (_, user) => [user, 20])),
    )
  })
})
