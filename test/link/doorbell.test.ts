import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMonotonicClock } from '../../src/base/clock.js'
import { BEAT_MS } from '../../src/base/limits.js'
import { LoopMeter } from '../../src/counters/thread-counters.js'
import {
  createNativeDoorbell,
  createPortableDoorbell,
  type Doorbell,
  type Parkable,
} from '../../src/link/doorbell.js'
import type { Inbox } from '../../src/link/inbox.js'
import { Lane } from '../../src/memory/layout.js'
import type { NativeBinding, NativeDoorbellOptions } from '../../src/native/binding.js'
import type { Region } from '../../src/memory/region.js'
import { Outbox } from '../../src/link/outbox.js'
import { inboxOf, offer, smallRegion, type InboxLog } from './small-region.js'

const meterOf = (region: Region): LoopMeter => new LoopMeter(region, 1, createMonotonicClock())

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

describe('the portable doorbell', () => {
  let region: Region
  let inbox: Inbox
  let log: InboxLog
  let bell: Doorbell
  let delivers: number

  const isAsleep = (): boolean => Atomics.load(inbox.i32, inbox.sleepingIndexOf(1)) === 1
  /** Another thread's outbox: it rings through this thread's bell, which reaches any thread. */
  const send = (mark: number, lane: Lane = Lane.Bulk): void => {
    const outbox = new Outbox(region, 0)
    outbox.attach(bell)
    offer(region, outbox.link(1, lane), mark)
    outbox.flush(outbox.link(1, lane))
  }

  beforeEach(() => {
    region = smallRegion(2, { bulkRingBytes: 64 * 1024 })
    ;({ inbox, log } = inboxOf(region, 1))
    delivers = 0
    bell = createPortableDoorbell(inbox, meterOf(region), () => {
      delivers++
      return inbox.drain()
    })
  })

  afterEach(() => {
    bell.close()
    vi.useRealTimers()
  })

  test('delivers once at the start and falls asleep', async () => {
    await until(isAsleep)
    expect(delivers).toBe(1)
  })

  test('wakes for each message that finds it asleep', async () => {
    for (let i = 0; i < 20; i++) {
      await until(isAsleep)
      send(i)
      await until(() => log.frames.length === i + 1)
    }
    expect(log.frames.at(-1)).toBe('0:19')
  })

  test('finds at the next beat a frame whose ready bit a peer has wiped', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    bell.close()
    bell = createPortableDoorbell(inbox, meterOf(region), () => inbox.drain())
    await until(isAsleep)
    const link = new Outbox(region, 0).link(1, Lane.Bulk)
    offer(region, link, 5)
    link.ring.publish() // And no bit, as if it had been wiped at once.
    vi.advanceTimersByTime(BEAT_MS)
    expect(log.frames).toEqual(['0:5'])
  })

  test('delivers what came between its last look and its sleep', async () => {
    const tryPark = vi.spyOn(inbox, 'tryPark')
    tryPark.mockImplementationOnce(function (this: Inbox) {
      // The producer sets its bit, finds nobody asleep, and rings nobody.
      send(1)
      return Object.getPrototypeOf(inbox).tryPark.call(inbox)
    })
    await until(() => log.frames.length === 1)
    await until(isAsleep)
  })

  test('delivers what came between its falling asleep and its wait', async () => {
    const tryPark = vi.spyOn(inbox, 'tryPark')
    tryPark.mockImplementationOnce(() => {
      const isParked = Object.getPrototypeOf(inbox).tryPark.call(inbox)
      send(1) // Takes the sleeping word back before anybody waits on it.
      return isParked
    })
    await until(() => log.frames.length === 1)
    await until(isAsleep)
  })

  test('comes straight back while work is left over', async () => {
    await until(isAsleep)
    const outbox = new Outbox(region, 0)
    for (let i = 0; i < 2500; i++) offer(region, outbox.link(1, Lane.Bulk), i)
    outbox.attach(bell)
    outbox.flush(outbox.link(1, Lane.Bulk))
    await until(() => log.frames.length === 2500)
    expect(delivers).toBe(4)
  })

  test('lets other work of the loop in between', async () => {
    await until(isAsleep)
    const order: string[] = []
    log.onEach = (mark) => {
      if (mark === 0) setImmediate(() => order.push('immediate'))
      if (mark === 2499) order.push('last')
    }
    const outbox = new Outbox(region, 0)
    for (let i = 0; i < 2500; i++) offer(region, outbox.link(1, Lane.Bulk), i)
    outbox.attach(bell)
    outbox.flush(outbox.link(1, Lane.Bulk))
    await until(() => order.length === 2)
    expect(order).toEqual(['immediate', 'last'])
  })

  test('delivers nothing after it was closed, and leaves nobody waiting', async () => {
    await until(isAsleep)
    bell.close()
    expect(isAsleep()).toBe(false)
    send(1)
    bell.ring(1)
    for (let i = 0; i < 5; i++) await turn()
    expect(delivers).toBe(1)
    expect(Atomics.notify(inbox.i32, inbox.sleepingIndexOf(1))).toBe(0)
  })

  test('delivers nothing when it is closed before its first turn', async () => {
    bell.close()
    for (let i = 0; i < 3; i++) await turn()
    expect(delivers).toBe(0)
  })
})

describe('the beat of the portable doorbell', () => {
  /** An inbox without links: `deliver` tells what it likes. */
  const parkable = (): Parkable & { i32: Int32Array } => ({
    i32: new Int32Array(new SharedArrayBuffer(4)),
    thread: 0,
    sleepingIndexOf: () => 0,
    tryPark() {
      Atomics.store(this.i32, 0, 1)
      return true
    },
    unpark() {
      Atomics.store(this.i32, 0, 0)
    },
    recheck() {},
  })

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('looks into the inbox though nobody rang', async () => {
    let delivers = 0
    const inbox = parkable()
    const bell = createPortableDoorbell(inbox, meterOf(smallRegion(2)), () => (delivers++, 0))
    await until(() => inbox.i32[0] === 1)
    await turn()
    vi.advanceTimersByTime(BEAT_MS)
    expect(delivers).toBe(2)
    bell.close()
  })

  test('goes on at once when it finds more than one delivery takes', async () => {
    const results = [0, 1, 1, 1, 0]
    let delivers = 0
    const inbox = parkable()
    const meter = meterOf(smallRegion(2))
    const bell = createPortableDoorbell(inbox, meter, () => results[delivers++] ?? 0)
    await until(() => inbox.i32[0] === 1)
    await turn()
    vi.advanceTimersByTime(BEAT_MS)
    await until(() => delivers === 5)
    await until(() => inbox.i32[0] === 1)
    bell.close()
  })
})

describe('the native doorbell', () => {
  const make = () => {
    const calls: unknown[] = []
    let options: NativeDoorbellOptions | null = null
    const binding = {
      ringBell: (bell: number) => (calls.push(['ring', bell]), true),
      Doorbell: class {
        constructor(given: NativeDoorbellOptions) {
          options = given
        }
        ref = () => calls.push('ref')
        nudge = () => calls.push('nudge')
        close = () => calls.push('close')
      },
    } as unknown as NativeBinding
    const deliver = vi.fn(() => 0)
    const region = new Uint8Array(8)
    const bell = createNativeDoorbell(
      {
        binding,
        region,
        geometry: [1, 2, 3, 4, 5, 6, 7, 8],
        bells: Int32Array.of(40, 41, 42),
        thread: 1,
        spinUs: 5,
        spinBudgetUs: 9,
        cores: 2,
      },
      { recheck: () => calls.push('recheck') },
      meterOf(smallRegion(2)),
      deliver,
    )
    return { bell, calls, deliver, options: options as NativeDoorbellOptions | null }
  }

  afterEach(() => {
    vi.useRealTimers()
  })

  test('hands on what the addon needs', () => {
    const { bell, options, deliver } = make()
    expect(options).toMatchObject({ thread: 1, spinUs: 5, spinBudgetUs: 9, cores: 2, deliver })
    bell.close()
  })

  test('rings the descriptor of the thread', () => {
    const { bell, calls } = make()
    bell.ring(2)
    expect(calls).toEqual([['ring', 42]])
    bell.close()
  })

  test('calls for a hold on the loop only when the last one was settled', () => {
    const { bell, calls, options } = make()
    const hold = options?.hold as Int32Array
    bell.unref()
    bell.ref()
    expect(calls).toEqual(['ref'])
    hold[1] = 1 // As the addon does.
    bell.unref()
    expect([...hold.subarray(0, 2)]).toEqual([0, 1])
    bell.ref()
    expect([...hold.subarray(0, 2)]).toEqual([1, 1])
    expect(calls).toEqual(['ref'])
    hold[0] = hold[1] = 0
    bell.ref()
    expect(calls).toEqual(['ref', 'ref'])
    bell.close()
  })

  test('has the loop deliver at each beat until it is closed', () => {
    vi.useFakeTimers()
    const { bell, calls } = make()
    vi.advanceTimersByTime(2 * BEAT_MS)
    expect(calls).toEqual(['recheck', 'nudge', 'recheck', 'nudge'])
    bell.close()
    vi.advanceTimersByTime(2 * BEAT_MS)
    expect(calls).toEqual(['recheck', 'nudge', 'recheck', 'nudge', 'close'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
