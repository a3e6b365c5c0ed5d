// Threads of a queue group's members ended under load, by each policy: the others go on, nothing is
// handled twice, and each key stays in order.

import type { QueuePolicy } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/base/random.js'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const MEMBERS = 3
const USERS = 20
const BURST = 400
const SEED = Number(process.env['FLYSHUTTLE_SEED'] ?? Date.now() % 1_000_000)

const POLICIES: QueuePolicy[] = [
  'round-robin',
  'least-loaded',
  'two-choices',
  'weighted',
  { key: 'user' },
  { key: 'user', strict: true },
]
const CASES = VARIANTS.flatMap(({ name, addon }) =>
  POLICIES.map((policy) => ({ name: `${JSON.stringify(policy)}, ${name}`, addon, policy })),
)

interface Seen {
  readonly n: number
  readonly user: number
  readonly member: string
}

describe.each(CASES)(`$name, seed ${SEED}`, ({ addon, policy }) => {
  test('members ended under load leave the others whole, and nothing comes twice', async () => {
    const random = createRandom(SEED)
    const engine = await engineFor({ threads: MEMBERS, addon, onError: () => {} })
    for (let member = 0; member < MEMBERS; member++) {
      const config = policy === 'weighted' ? { policy, weight: member + 1 } : { policy }
      await engine.spawn(`member-${member}`, fixture('pooled.mjs'), { config })
    }
    const seen: Seen[] = []
    await engine.subscribe('pool.seen', (one: Seen) => void seen.push(one))
    let n = 0
    const publish = () => engine.send('pool.in', { n, user: n++ % USERS })
    for (const index of [1, 2]) {
      const thread = engine.threads.find((each) => each.index === index)
      const killAt = random(BURST)
      let ended: Promise<unknown> | undefined
      for (let sent = 0; sent < BURST; sent++) {
        if (sent === killAt) ended = thread?.terminate()
        await publish()
        if (random(10) === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await ended
      // From here on nothing is for the thread that ended: all of it is handled.
      const from = n
      for (let sent = 0; sent < BURST; sent++) await publish()
      const isLate = (one: Seen) => one.n >= from
      await until(() => seen.filter(isLate).length >= BURST)
    }
    const numbers = seen.map((one) => one.n)
    expect(new Set(numbers).size).toBe(numbers.length)
    for (let user = 0; user < USERS; user++) {
      for (let member = 0; member < MEMBERS; member++) {
        const own = seen.filter((one) => one.user === user && one.member === `member-${member}`)
        const order = own.map((one) => one.n)
        expect(order).toEqual([...order].sort((a, b) => a - b))
      }
    }
    expect(new Set(seen.slice(-BURST).map(({ member }) => member)).size).toBe(1)
  })
})
