// The doorbell in the event loop of this process, with a peer in a worker. Whatever could abort the
// process, or depends on what keeps it alive, runs in a process of its own.

import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Rig, Shared } from './fixtures/rig.mjs'
import { describeAddon, runFixture } from './addon.js'

// Not at the top of the file as a value: without the addon the module cannot be loaded.
type RigModule = typeof import('./fixtures/rig.mjs')
let rig: RigModule
let shared: Shared
let open: Rig[] = []

function join(...args: Parameters<RigModule['joinThread']>): Rig {
  const joined = rig.joinThread(...args)
  open.push(joined)
  joined.doorbell.ref()
  return joined
}

/** A doorbell for thread 0, and the promise that `deliver` returned "done" once. */
function deliverUntil(
  deliver: (self: Rig) => number | 'done' | void,
  options?: Parameters<RigModule['joinThread']>[3],
): Promise<Rig> {
  return new Promise((resolve) => {
    let isDone = false
    join(
      shared,
      0,
      (self) => {
        const result = isDone ? 0 : deliver(self)
        if (result !== 'done') return result
        isDone = true
        resolve(self)
        return 0
      },
      options,
    )
  })
}

/** Starts a peer: a promise for when it has joined, one for when it has ended. */
function startPeer(role: string, more: object = {}) {
  const url = new URL('./fixtures/peer.mjs', import.meta.url)
  const worker = new Worker(url, { workerData: { shared, role, ...more } })
  const there = new Promise((resolve) => worker.once('message', resolve))
  const ended = new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve))
  return { worker, there, ended }
}

/** Lets the event loop turn a few times. */
async function turnLoop(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describeAddon('a doorbell', () => {
  beforeEach(async () => {
    rig = await import('./fixtures/rig.mjs')
    shared = rig.createShared(3)
  })

  afterEach(() => {
    for (const { doorbell } of open) doorbell.close()
    open = []
    rig.closeBells(shared)
  })

  test('delivers once in the first turn of the loop, unasked', async () => {
    const self = await deliverUntil(() => 'done')
    await turnLoop()
    expect(self.doorbell.stats().delivers).toBe(1)
  })

  test('delivers what a thread signals while the loop sleeps', async () => {
    let bits = 0
    const delivered = deliverUntil((self) => ((bits |= self.takeReady()) !== 0 ? 'done' : 0))
    const peer = startPeer('signal-sleeper')
    const { doorbell } = await delivered
    expect(bits).toBe(1 << 3)
    expect(doorbell.stats().wakes).toBeGreaterThan(0)
    await peer.ended
  })

  test('is awake while it delivers', async () => {
    const states: boolean[] = []
    const delivered = deliverUntil((self) => {
      states.push(self.isAsleep())
      return self.takeReady() !== 0 ? 'done' : 0
    })
    const peer = startPeer('signal-sleeper')
    await delivered
    expect(states).not.toContain(true)
    await peer.ended
  })

  test('comes back without a bell while work is left over', async () => {
    let deliveries = 0
    const { doorbell } = await deliverUntil(() => (++deliveries === 1000 ? 'done' : 1))
    expect(doorbell.stats().wakes).toBe(0)
  })

  test('lets timers run while work is left over', async () => {
    let hasFired = false
    setTimeout(() => (hasFired = true), 1)
    await deliverUntil(() => (hasFired ? 'done' : 1))
  })

  test('runs next ticks and microtasks before it delivers again', async () => {
    const order: string[] = []
    await deliverUntil(() => {
      order.push('deliver')
      if (order.length > 3) return 'done'
      process.nextTick(() => order.push('tick'))
      void Promise.resolve().then(() => order.push('microtask'))
      return 1
    })
    expect(order).toEqual(['deliver', 'tick', 'microtask', 'deliver'])
  })

  test('delivers after a nudge', async () => {
    let deliveries = 0
    let nudge = (): void => {}
    const delivered = deliverUntil(() => {
      if (++deliveries === 2) return 'done'
      setTimeout(() => nudge(), 0)
      return 0
    })
    nudge = () => open[0]!.doorbell.nudge()
    await delivered
    expect(deliveries).toBe(2)
  })

  test('can be closed inside its own delivery, and twice', async () => {
    const self = await deliverUntil((self) => (self.doorbell.close(), 'done'))
    self.doorbell.close()
    self.doorbell.ref()
    self.doorbell.nudge()
    expect(self.doorbell.stats().delivers).toBe(1)
    expect([self.state(), self.deaths()]).toEqual([1, 0])
  })

  test('delivers nothing after it was closed', async () => {
    let deliveries = 0
    const self = await deliverUntil(() => (deliveries++, 'done'))
    self.doorbell.close()
    rig.signal(shared, 1, 0)
    rig.binding.ringBell(shared.bells[0]!)
    await turnLoop()
    expect(deliveries).toBe(1)
  })

  test('survives that its bell is closed too early', async () => {
    const self = await deliverUntil(() => 'done')
    rig.binding.closeBell(shared.bells[0]!)
    await turnLoop()
    self.doorbell.nudge()
    await turnLoop()
    const { delivers } = self.doorbell.stats()
    expect(delivers).toBeGreaterThan(1)
    await turnLoop()
    expect(self.doorbell.stats().delivers).toBe(delivers)
  })

  test('waits on the core before it sleeps while there are cores for all', async () => {
    let taken = 0
    const peer = startPeer('signal-sleeper', { rounds: 50 })
    const count = (self: Rig): 'done' | void => {
      if (self.takeReady() !== 0 && ++taken === 50) return 'done'
    }
    const { doorbell } = await deliverUntil(count, { cores: 1 })
    expect(doorbell.stats().spinMisses).toBeGreaterThan(0)
    await peer.ended
  })

  test('sleeps at once when more threads are awake than cores', async () => {
    let taken = 0
    rig.watchThread(shared, 2).setState(1) // Alive, awake, and it will never sleep.
    const peer = startPeer('signal-sleeper', { rounds: 50 })
    const count = (self: Rig): 'done' | void => {
      if (self.takeReady() !== 0 && ++taken === 50) return 'done'
    }
    const { doorbell } = await deliverUntil(count, { cores: 1 })
    const { spinHits, spinMisses, parks } = doorbell.stats()
    expect([spinHits, spinMisses]).toEqual([0, 0])
    expect(parks).toBeGreaterThan(0)
    await peer.ended
  })

  test('refuses what would touch foreign memory', () => {
    const good = {
      region: new Uint8Array(shared.memory),
      bells: shared.bells,
      hold: new Int32Array(2),
      geometry: shared.geometry,
      thread: 0,
      deliver: () => 0,
      spinUs: 0,
      spinBudgetUs: 0,
      cores: 1,
    }
    const { Doorbell } = rig.binding
    const refused: [object, RegExp][] = [
      [{ region: new Uint8Array(4096) }, /region as large/],
      [{ region: new Uint8Array(shared.memory, 4) }, /multiple of 8/],
      [{ region: shared.memory }, /Uint8Array/],
      [{ bells: new Int32Array(2) }, /bell for each thread/],
      [{ bells: new Int32Array([-1, -1, -1]) }, /open bell/],
      [{ hold: new Int32Array(1) }, /two words/],
      [{ thread: 3 }, /thread of this geometry/],
      [{ geometry: [3, 1024] }, /eight numbers/],
      [{ deliver: null }, /deliver/],
      [{ spinUs: Number.NaN }, /microseconds/],
      [{ cores: -1 }, /whole number/],
    ]
    for (const [bad, message] of refused) {
      expect(() => new Doorbell({ ...good, ...bad })).toThrow(message)
    }
    expect(() => new Doorbell(undefined as never)).toThrow(TypeError)
  })

  test('announces the death of a worker that ran out of code', async () => {
    const self = rig.watchThread(shared, 0)
    const delivered = deliverUntil((me) => (me.takeReady() === -1 ? 'done' : 0))
    const peer = startPeer('leave')
    await Promise.all([delivered, peer.ended])
    const dead = rig.watchThread(shared, 1)
    expect([dead.state(), dead.ready(), self.deaths()]).toEqual([2, -1, 1])
  })

  test('announces nothing for a worker that closed it first', async () => {
    const peer = startPeer('close')
    await peer.ended
    const gone = rig.watchThread(shared, 1)
    expect([gone.state(), gone.ready(), gone.deaths()]).toEqual([1, 0, 0])
  })

  test('announces a death to other workers while the main thread is blocked', async () => {
    const flag = new Int32Array(new SharedArrayBuffer(4))
    const peer = startPeer('exit-when-signalled')
    const mourner = startPeer('mourner', { flag })
    await Promise.all([peer.there, mourner.there])
    rig.signal(shared, 0, 1)
    expect(Atomics.wait(flag, 0, 0, 20_000)).not.toBe('timed-out')
    await Promise.all([peer.ended, mourner.ended])
  })
})

describeAddon('a process with a doorbell', () => {
  test('stays alive while it is referenced', () => {
    expect(runFixture('keep-alive.mjs', 'ref').lines).toEqual(['delivered', 'exit'])
  })

  test('ends when nothing else is left', () => {
    expect(runFixture('keep-alive.mjs', 'let-go').lines).toEqual(['exit'])
    expect(runFixture('keep-alive.mjs', 'at-once').lines).toEqual(['exit'])
  })

  test('reads files in the midst of a conversation that never pauses', () => {
    expect(runFixture('conversation.mjs').lines).toEqual(['read'])
  })

  test('hears of an exception that a delivery put off', () => {
    const { lines, status } = runFixture('uncaught.mjs', 'handled')
    expect({ lines, status }).toEqual({ lines: ['from a next tick', '2 deliveries'], status: 0 })
  })

  test('ends as usual on an exception that nobody handles', () => {
    const { lines, status, signal, stderr } = runFixture('uncaught.mjs')
    expect({ lines, status, signal }).toEqual({ lines: ['1 deliveries'], status: 1, signal: null })
    expect(stderr).toContain('from a next tick')
  })

  test('survives the termination of workers thirty times, and hears of each', () => {
    const { lines, status, signal, stderr } = runFixture('terminate.mjs')
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
    expect(JSON.parse(lines[0] ?? '')).toEqual({ rounds: 30, dead: 30, allBits: 30, deaths: 30 })
  })
})
