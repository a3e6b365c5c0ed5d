import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  HEADER_LOG_GENERATION,
  HEADER_LOG_TAIL_EVEN,
  HEADER_LOG_TAIL_ODD,
  HEADER_VERSION,
} from '../../src/memory/layout.js'
import type { Region } from '../../src/memory/region.js'
import {
  ChangeLogReader,
  ChangeLogWriter,
  SubscriptionFlag,
  type Subscription,
} from '../../src/routing/change-log.js'
import { RULES_BYTES_MAX } from '../../src/base/limits.js'
import { smallRegion } from '../link/small-region.js'

const entry = (id: number, more: Partial<Subscription> = {}): Subscription => ({
  id,
  generation: 1,
  thread: 1,
  agent: 0,
  flags: 0,
  pattern: `subject.${id}`,
  queue: '',
  ...more,
})

const generationOf = (region: Region): number =>
  region.views.u32[HEADER_LOG_GENERATION >>> 2] as number
const versionOf = (region: Region): number => region.views.u32[HEADER_VERSION >>> 2] as number

const ignore = (): void => {}

/** A reader with a mirror that is told of each change, as a trie is. */
class Mirror {
  readonly reader: ChangeLogReader
  readonly known = new Map<number, Subscription>()
  readonly mistakes: string[] = []

  constructor(region: Region) {
    this.reader = new ChangeLogReader(region)
  }

  catchUp(): void {
    this.reader.catchUp(
      (added) => {
        if (this.known.has(added.id)) this.mistakes.push(`${added.id} was there already`)
        this.known.set(added.id, added)
      },
      (removed) => {
        if (this.known.get(removed.id) !== removed) this.mistakes.push(`${removed.id} is another`)
        this.known.delete(removed.id)
      },
    )
  }

  expectToBe(live: ReadonlyMap<number, Subscription>): void {
    expect(sorted(this.known)).toEqual(sorted(live))
    expect(sorted(this.reader.live)).toEqual(sorted(live))
    expect(this.mistakes).toEqual([])
  }
}

const sorted = (live: ReadonlyMap<number, Subscription>): Subscription[] =>
  [...live.values()].sort((a, b) => a.id - b.id)

describe('the change log', () => {
  test('carries every field of a subscription', () => {
    const region = smallRegion(64)
    const writer = new ChangeLogWriter(region)
    const all = [
      entry(0),
      entry(1, {
        generation: 0xffff_ffff,
        thread: 63,
        agent: 0xffff,
        flags: SubscriptionFlag.Responder | SubscriptionFlag.Lossy,
        pattern: 'a.*.>',
        queue: 'workers',
      }),
      entry(2, { pattern: 'x'.repeat(255), queue: 'q'.repeat(255) }),
      entry(3, { pattern: '>', queue: 'q' }),
      entry(4, { queue: 'q', rules: { weight: 7, filter: 'Zoë \n' } }),
    ]
    for (const one of all) writer.add(one)
    const mirror = new Mirror(region)
    mirror.catchUp()
    expect(sorted(mirror.known)).toEqual(all)
  })

  test('refuses rules that are too long, and keeps nothing of them', () => {
    const writer = new ChangeLogWriter(smallRegion(2))
    const rules = { filter: 'x'.repeat(RULES_BYTES_MAX) }
    expect(() => writer.add(entry(1, { rules }))).toThrow(
      expect.objectContaining({ code: 'ERR_SUBSCRIPTION_LIMIT' }),
    )
    expect(writer.live.size).toBe(0)
  })

  test('moves the version after each change that is one', () => {
    const region = smallRegion(2)
    const writer = new ChangeLogWriter(region)
    writer.add(entry(1))
    writer.add(entry(2))
    writer.add(entry(3))
    expect(versionOf(region)).toBe(3)
    writer.remove([1, 2])
    expect(versionOf(region)).toBe(4)
    writer.remove([1, 99])
    expect(versionOf(region)).toBe(4)
  })

  test('tells a reader only what is new', () => {
    const region = smallRegion(2)
    const writer = new ChangeLogWriter(region)
    const reader = new ChangeLogReader(region)
    const told: string[] = []
    const look = (): string[] => {
      reader.catchUp(
        ({ id }) => told.push(`+${id}`),
        ({ id }) => told.push(`-${id}`),
      )
      return told.splice(0)
    }
    writer.add(entry(1))
    expect(look()).toEqual(['+1'])
    writer.add(entry(2))
    writer.remove([1])
    expect(look()).toEqual(['+2', '-1'])
    expect(look()).toEqual([])
  })

  test('names the subscription that was removed with all its fields', () => {
    const region = smallRegion(2)
    const writer = new ChangeLogWriter(region)
    const reader = new ChangeLogReader(region)
    writer.add(entry(1, { queue: 'q' }))
    reader.catchUp(ignore, ignore)
    writer.remove([1])
    const removed: Subscription[] = []
    reader.catchUp(ignore, (one) => removed.push(one))
    expect(removed).toEqual([entry(1, { queue: 'q' })])
  })

  test.each([
    ['an operation that is none', 0, 7],
    ['a number beyond the rows', 1, 0xffff_ffff],
    ['a thread that has no place', 3, 0xffff],
  ])('passes over an entry with %s', (_, word, value) => {
    const region = smallRegion(2)
    const writer = new ChangeLogWriter(region)
    writer.add(entry(1))
    const bytes = region.views.u32[HEADER_LOG_TAIL_EVEN >>> 2] as number
    writer.add(entry(2))
    region.views.u32[((region.layout.changeLog + bytes) >>> 2) + word] = value
    const mirror = new Mirror(region)
    mirror.catchUp()
    expect([...mirror.known.keys()]).toEqual([1])
    writer.add(entry(3))
    mirror.catchUp()
    expect([...mirror.known.keys()]).toEqual([1, 3])
  })

  test('replaces the owner of a number that is added twice', () => {
    const region = smallRegion(2)
    const writer = new ChangeLogWriter(region)
    const mirror = new Mirror(region)
    writer.add(entry(1))
    writer.add(entry(1, { generation: 2, pattern: 'other' }))
    mirror.catchUp()
    mirror.expectToBe(new Map([[1, entry(1, { generation: 2, pattern: 'other' })]]))
  })

  describe('when a half is full', () => {
    /** Changes that come and go until the generation has moved `by`. */
    const churn = (writer: ChangeLogWriter, region: Region, by: number): void => {
      const until = generationOf(region) + by
      for (let i = 0; generationOf(region) < until; i++) {
        writer.add(entry(100 + (i % 7)))
        writer.remove([100 + ((i + 4) % 7)])
      }
    }

    test.each([1, 2, 3, 4, 7])('a reader that slept through %i generations catches up', (by) => {
      const region = smallRegion(2, { changeLogBytes: 1024 })
      const writer = new ChangeLogWriter(region)
      const mirror = new Mirror(region)
      for (let id = 0; id < 5; id++) writer.add(entry(id))
      mirror.catchUp()
      writer.remove([0])
      churn(writer, region, by)
      mirror.catchUp()
      mirror.expectToBe(writer.live)
      expect(writer.live.has(0)).toBe(false)
    })

    test('a change that makes the half overflow is in the snapshot', () => {
      const region = smallRegion(2, { changeLogBytes: 256 })
      const writer = new ChangeLogWriter(region)
      const mirror = new Mirror(region)
      let id = 0
      while (generationOf(region) === 0) {
        writer.add(entry(id))
        writer.remove([id - 2])
        id++
        mirror.catchUp()
        mirror.expectToBe(writer.live)
      }
    })

    test('many removals at once may cross it', () => {
      const region = smallRegion(2, { changeLogBytes: 1024 })
      const writer = new ChangeLogWriter(region)
      const mirror = new Mirror(region)
      const ids = Array.from({ length: 24 }, (_, id) => id)
      for (const id of ids) writer.add(entry(id))
      expect(generationOf(region)).toBe(0)
      mirror.catchUp()
      writer.remove(ids.slice(0, 20))
      expect(generationOf(region)).toBe(1)
      mirror.catchUp()
      mirror.expectToBe(writer.live)
      expect(writer.live.size).toBe(4)
    })

    test('of what is alive, the next subscription is refused and nothing changes', () => {
      const region = smallRegion(2, { changeLogBytes: 1024 })
      const writer = new ChangeLogWriter(region)
      const mirror = new Mirror(region)
      let id = 0
      const addAll = (): void => {
        for (;;) writer.add(entry(id++))
      }
      expect(addAll).toThrow(expect.objectContaining({ code: 'ERR_SUBSCRIPTION_LIMIT' }))
      const version = versionOf(region)
      expect(() => writer.add(entry(id))).toThrow(/subscriptions take/)
      expect(versionOf(region)).toBe(version)
      expect(writer.live.has(id)).toBe(false)
      mirror.catchUp()
      mirror.expectToBe(writer.live)
      writer.remove([0, 1])
      writer.add(entry(id))
      mirror.catchUp()
      mirror.expectToBe(writer.live)
    })
  })

  test('a snapshot tells a reader only what it changes', () => {
    const region = smallRegion(2, { changeLogBytes: 1024 })
    const writer = new ChangeLogWriter(region)
    const reader = new ChangeLogReader(region)
    const told: string[] = []
    const look = (): string[] => {
      reader.catchUp(
        ({ id }) => told.push(`+${id}`),
        ({ id }) => told.push(`-${id}`),
      )
      return told.splice(0)
    }
    for (let id = 0; id < 5; id++) writer.add(entry(id))
    expect(look()).toHaveLength(5)
    const generation = generationOf(region)
    writer.remove([3])
    writer.add(entry(4, { thread: 0 })) // Another one, which has taken over the number.
    while (generationOf(region) === generation) {
      writer.add(entry(9))
      writer.remove([9])
    }
    expect(look().filter((change) => !change.endsWith('9'))).toEqual(['-3', '-4', '+4'])
  })

  test('takes in changes at a bounded cost each, also when nearly full', () => {
    const region = smallRegion(2, { changeLogBytes: 65_536, subscriptions: 4096 })
    const writer = new ChangeLogWriter(region)
    let id = 0
    const addAll = (): void => {
      for (;;) writer.add(entry(id++))
    }
    expect(addAll).toThrow(/subscriptions take/)
    const before = generationOf(region)
    for (let n = 0; n < 1000; n++) {
      writer.remove([n % id])
      writer.add(entry(n % id))
    }
    // 2000 changes, of which a snapshot leaves room for about a hundred.
    expect(generationOf(region) - before).toBeLessThan(50)
  })

  test('says the same as a map, whoever reads when', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.nat(40), fc.nat(60)).map((add) => ({ add })) },
      {
        weight: 3,
        arbitrary: fc.array(fc.nat(40), { maxLength: 5 }).map((remove) => ({ remove })),
      },
      { weight: 3, arbitrary: fc.nat(2).map((read) => ({ read })) },
    )
    const property = fc.property(
      fc.constantFrom(512, 1024, 4096),
      fc.array(step, { maxLength: 200 }),
      (changeLogBytes, steps) => {
        const region = smallRegion(2, { changeLogBytes })
        const writer = new ChangeLogWriter(region)
        const model = new Map<number, Subscription>()
        const mirrors = [0, 1, 2].map(() => new Mirror(region))
        let generation = 0
        for (const one of steps) {
          if ('add' in one) {
            const [id, length] = one.add
            if (model.has(id)) continue
            const added = entry(id, { generation: ++generation, pattern: 'p'.repeat(length + 1) })
            try {
              writer.add(added)
              model.set(id, added)
            } catch (error) {
              expect(error).toMatchObject({ code: 'ERR_SUBSCRIPTION_LIMIT' })
            }
          } else if ('remove' in one) {
            writer.remove(one.remove)
            for (const id of one.remove) model.delete(id)
          } else {
            mirrors[one.read]?.catchUp()
            mirrors[one.read]?.expectToBe(model)
          }
        }
        for (const mirror of mirrors) {
          mirror.catchUp()
          mirror.expectToBe(model)
        }
      },
    )
    fc.assert(property, { numRuns: 150 })
  })

  describe('read while it is written', () => {
    /**
     * A region whose reader meets the writer in the middle: before the n-th word that it reads,
     * `between` runs. The reader's view of the words is a proxy; the memory is the same.
     */
    function interleaved(region: Region, between: (read: number) => void): Region {
      let reads = 0
      let isWriting = false
      const look = (): void => {
        if (isWriting) return
        isWriting = true
        between(reads++)
        isWriting = false
      }
      const u32 = new Proxy(region.views.u32, {
        get(target, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) look()
          const value: unknown = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      const buffer = new Proxy(region.views.buffer, {
        get(target, key) {
          look()
          const value: unknown = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      return { ...region, views: { ...region.views, u32, buffer } }
    }

    /** `Atomics.load` takes no proxy: the test looks there too. */
    function withAtomics<T>(proxied: Region, region: Region, run: () => T, look: () => void): T {
      const load = Atomics.load
      Atomics.load = ((array: unknown, index: number) => {
        look()
        return load(array === proxied.views.u32 ? region.views.u32 : (array as Uint32Array), index)
      }) as typeof Atomics.load
      try {
        return run()
      } finally {
        Atomics.load = load
      }
    }

    const scenario = (bursts: number, at: number) => {
      const region = smallRegion(2, { changeLogBytes: 512 })
      const writer = new ChangeLogWriter(region)
      for (let id = 0; id < 4; id++) writer.add(entry(id))
      let step = 0
      let count = 4
      /** One burst moves the log by about half a generation. */
      const burst = (): void => {
        for (let i = 0; i < 5; i++) {
          writer.add(entry(count, { pattern: `long.enough.${count}` }))
          writer.remove([count - 4])
          count++
        }
      }
      const between = (): void => {
        const here = step++
        if (here < at || here >= at + bursts) return
        burst()
      }
      const proxied = interleaved(region, between)
      const mirror = new Mirror(proxied)
      withAtomics(proxied, region, () => mirror.catchUp(), between)
      return {
        mirror,
        writer,
        steps: step,
        look: () =>
          withAtomics(
            proxied,
            region,
            () => mirror.catchUp(),
            () => {},
          ),
      }
    }

    test.each([1, 2, 3, 6, 9])(
      'whenever %i bursts of changes come between two of its looks, the reader ends up right',
      (bursts) => {
        const { steps } = scenario(0, 0)
        expect(steps).toBeGreaterThan(20)
        for (let at = 0; at <= steps; at++) {
          const { mirror, writer, look } = scenario(bursts, at)
          for (const { pattern } of mirror.known.values()) {
            expect(pattern).toMatch(/^(subject|long\.enough)\.\d+$/)
          }
          look()
          mirror.expectToBe(writer.live)
        }
      },
    )
  })

  test('a reader on another thread ends up with what the writer has', async () => {
    const region = smallRegion(2, { changeLogBytes: 4608 })
    const worker = new Worker(new URL('../fixtures/log-writer.mjs', import.meta.url), {
      workerData: { memory: region.memory, changes: 60_000 },
    })
    const mirror = new Mirror(region)
    await once(worker, 'message')
    const finished = once(worker, 'message')
    worker.postMessage('go')
    let looks = 0
    let isFinished = false
    void finished.then(() => (isFinished = true))
    while (!isFinished) {
      for (let i = 0; i < 1000; i++) mirror.catchUp()
      for (const { id, pattern } of mirror.known.values()) {
        if (!pattern.startsWith(`subject.${id}.`)) mirror.mistakes.push(`${id} is ${pattern}`)
      }
      looks++
      await new Promise((resolve) => setImmediate(resolve))
    }
    const [live] = (await finished) as [Subscription[]]
    await worker.terminate()
    mirror.catchUp()
    expect(looks).toBeGreaterThan(0)
    expect(generationOf(region)).toBeGreaterThan(100)
    mirror.expectToBe(new Map(live.map((one) => [one.id, one])))
  })

  test.each([
    [
      'a tail beyond its half',
      (u32: Uint32Array) =>
        u32.fill(0xffff_fff0, HEADER_LOG_TAIL_EVEN >>> 2, (HEADER_LOG_TAIL_EVEN >>> 2) + 1),
    ],
    [
      'a tail of the other half',
      (u32: Uint32Array) => (u32[HEADER_LOG_TAIL_ODD >>> 2] = 0xffff_fff0),
    ],
    ['lengths beyond the region', (u32: Uint32Array, at: number) => (u32[at + 5] = 0xffff_ffff)],
    ['an unknown change', (u32: Uint32Array, at: number) => (u32[at] = 99)],
  ])('%s does no harm to a reader', (_, damage) => {
    const region = smallRegion(2, { changeLogBytes: 1024 })
    new ChangeLogWriter(region).add(entry(1))
    damage(region.views.u32, region.layout.changeLog >>> 2)
    const reader = new ChangeLogReader(region)
    expect(() => reader.catchUp(ignore, ignore)).not.toThrow()
  })
})
