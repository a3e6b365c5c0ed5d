import { describe, expect, test } from 'vitest'
import { EMITTER_AFTER_MESSAGES, FLUSH_BYTES, OVERFLOW_BYTES_MAX } from '../../src/base/limits.js'
import { message, object, raw } from '../../src/codec/message.js'
import { bytes, i32, u32 } from '../../src/codec/schema.js'
import { readLink } from '../../src/counters/snapshot.js'
import { FrameFlag, FrameKind } from '../../src/ring/frame.js'
import { LINK_HEAD, Lane, ThreadCounter, ThreadState } from '../../src/memory/layout.js'
import { FakeRequest, World } from './world.js'

const Tick = message('tick', { n: u32, m: u32 })
const Blob = message('blob', raw)
const Any = message('any', object<unknown>())

const tick = (n: number): { n: number; m: number } => ({ n, m: ~n >>> 0 })
const code = (expected: string): unknown => expect.objectContaining({ code: expected })

/** Fills the ring from thread 0 to `to` but for the room of one frame that says nothing. */
function fill(world: World, to: number): void {
  const listener = world.thread(to).subscribe('fill', { handler: () => {} })
  while (world.thread(0).sender.tryPublish('fill', new Uint8Array(20), 0)) continue
  while (world.thread(0).sender.tryPublish('fill', undefined, 0)) continue
  world.thread(to).unsubscribe(listener)
}

/** How much thread 0 has counted as dropped. */
const dropped = (world: World, counter: ThreadCounter): number =>
  world.thread(0).outbox.counters.read(counter)

/** All promise callbacks that can run have run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What a promise has come to, without waiting for it. */
function watch(promise: Promise<unknown>): { state: string; error: unknown } {
  const watched = { state: 'pending', error: undefined as unknown }
  promise.then(
    () => (watched.state = 'resolved'),
    (error: unknown) => {
      watched.state = 'rejected'
      watched.error = error
    },
  )
  return watched
}

describe('publish', () => {
  test('reaches every subscription once: own thread, other threads, patterns', () => {
    const world = new World(3)
    const subscriptions = [
      world.thread(0).subscribe('tick'),
      world.thread(1).subscribe('tick'),
      world.thread(1).subscribe('*'),
      world.thread(2).subscribe('>'),
      world.thread(2).subscribe('tock'),
    ]
    expect(world.thread(0).sender.publish(Tick, tick(1), 9)).toBe(true)
    world.settle()
    const got = world.threads.flatMap((thread) => thread.got)
    expect(got.map(({ id }) => id).sort()).toEqual(subscriptions.slice(0, 4).map((s) => s.entry.id))
    for (const one of got) {
      expect(one).toMatchObject({ subject: 'tick', value: tick(1), source: 0, agent: 9 })
    }
  })

  test('to nobody is accepted and writes nothing', () => {
    const world = new World(2)
    const { sender } = world.thread(0)
    expect(sender.publish(Tick, tick(1), 0)).toBe(true)
    expect(sender.publish('a.b', 'x', 0)).toBe(true)
    expect(world.thread(0).bulk(1).ring.pendingBytes).toBe(0)
  })

  test('refuses a bad value though nobody listens', () => {
    const { sender } = new World(1).thread(0)
    expect(() => sender.publish(Tick, { n: -1, m: 0 }, 0)).toThrow(code('ERR_PAYLOAD_INVALID'))
    expect(() => sender.publish('a.*', 1, 0)).toThrow(code('ERR_SUBJECT_INVALID'))
  })

  test.each(['the first', 'later'])('keeps agent numbers up to 65535 in %s', (which) => {
    const world = new World(2)
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    if (which === 'later') sender.publish(Tick, tick(0), 0)
    sender.publish(Tick, tick(1), 0xffff)
    world.settle()
    expect(world.thread(1).got.at(-1)).toMatchObject({ agent: 0xffff, value: tick(1) })
  })

  test('sees a change of subscriptions at once, also on its shortest path', () => {
    const world = new World(2)
    const { sender } = world.thread(0)
    const first = world.thread(1).subscribe('tick')
    for (const n of [0, 1, 2]) sender.publish(Tick, tick(n), 0)
    world.thread(0).subscribe('tick')
    sender.publish(Tick, tick(3), 0)
    world.thread(1).unsubscribe(first)
    sender.publish(Tick, tick(4), 0)
    world.settle()
    expect(world.thread(0).take()).toEqual([tick(3), tick(4)])
  })

  test('says false above the high-water mark, though the message is accepted', () => {
    const world = new World(2)
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    const results = Array.from({ length: 40 }, (_, n) => sender.publish(Tick, tick(n), 0))
    // Frames of 24 bytes: above three quarters of 1024 bytes from the 33rd on.
    expect(results.indexOf(false)).toBe(32)
    expect(results.slice(32)).toEqual(Array(8).fill(false))
    world.settle()
    expect(world.thread(1).take()).toEqual(Array.from({ length: 40 }, (_, n) => tick(n)))
  })

  test.each([
    ['a struct', Tick, tick],
    ['an object', Any, (n: number) => ({ n })],
    ['raw bytes', Blob, (n: number) => Uint8Array.of(n, n >> 8)],
  ])('keeps the order of %s messages that had to wait', (_, target, valueOf) => {
    const world = new World(2)
    world.thread(1).subscribe('>')
    const { sender } = world.thread(0)
    for (let n = 0; n < 500; n++) {
      sender.publish(target, valueOf(n), 0)
      if (n % 97 === 0) world.thread(1).inbox.drain()
    }
    expect(sender.isWaiting).toBe(true)
    world.settle()
    expect(world.thread(1).take()).toEqual(Array.from({ length: 500 }, (_, n) => valueOf(n)))
    expect(sender.isWaiting).toBe(false)
    expect(world.thread(0).waiting).toEqual([true, false])
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
  })

  test('is possible again however often the ring was full', () => {
    const world = new World(2)
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    for (let round = 0; round < 50; round++) {
      for (let n = 0; n < 60; n++) sender.publish(Tick, tick(n), 0)
      for (let tries = 0; tries < 100; tries++) sender.tryPublish(Tick, tick(0), 0)
      world.settle()
      expect(world.thread(1).take()).toEqual(Array.from({ length: 60 }, (_, n) => tick(n)))
      expect(world.thread(0).bulk(1).plannedBytes).toBeLessThanOrEqual(24)
    }
  })

  test('throws ERR_BACKPRESSURE when the overflow is full, and nothing was written', () => {
    const world = new World(3)
    world.thread(1).subscribe('blob')
    world.thread(2).subscribe('blob')
    const { sender } = world.thread(0)
    let sent = 0
    const publishAll = (): void => {
      for (; ; sent++)
        sender.publish(Blob, Uint8Array.of(sent & 0xff, sent >> 8, 0, 0, ...Array(196)), 0)
    }
    expect(publishAll).toThrow(code('ERR_BACKPRESSURE'))
    expect(world.thread(0).bulk(1).overflowBytes).toBeLessThanOrEqual(OVERFLOW_BYTES_MAX)
    expect(world.thread(0).bulk(1).overflowBytes).toBeGreaterThan(OVERFLOW_BYTES_MAX - 300)
    expect(() => sender.publish(Blob, new Uint8Array(200), 0)).toThrow(/blob: no room/)
    world.settle()
    for (const thread of [1, 2]) {
      const values = world.thread(thread).take() as Uint8Array[]
      expect(values.map((value) => (value[0] as number) | ((value[1] as number) << 8))).toEqual([
        ...Array(sent).keys(),
      ])
    }
    expect(sender.publish(Blob, new Uint8Array(200), 0)).toBe(true)
  })

  test('counts a waiting message once against a link, however many of its group live there', () => {
    const world = new World(2)
    for (let i = 0; i < 50; i++) world.thread(1).subscribe('blob', { queue: 'q' })
    const { sender } = world.thread(0)
    let sent = 0
    for (; sent < 1000; sent++) sender.publish(Blob, new Uint8Array(200), 0)
    world.settle()
    expect(world.thread(1).take()).toHaveLength(sent)
  })

  describe('to several threads of which one is full', () => {
    test.each([1, 2])('waits for thread %i, and the other gets nothing meanwhile', (full) => {
      const world = new World(3)
      fill(world, full)
      const other = 3 - full
      world.thread(1).subscribe('tick')
      world.thread(2).subscribe('tick')
      const { sender } = world.thread(0)
      expect(sender.publish(Tick, tick(1), 0)).toBe(false)
      expect(sender.tryPublish(Tick, tick(2), 0)).toBe(false)
      world.thread(0).outbox.flushAll()
      world.thread(other).inbox.drain()
      expect(world.thread(other).take()).toEqual([])
      world.settle()
      expect(world.thread(1).take()).toEqual([tick(1)])
      expect(world.thread(2).take()).toEqual([tick(1)])
    })

    test('is woken by whichever of them was full, one after the other', () => {
      const world = new World(3)
      fill(world, 1)
      fill(world, 2)
      world.thread(1).subscribe('tick')
      world.thread(2).subscribe('tick')
      world.thread(0).sender.publish(Tick, tick(1), 0)
      for (const thread of [1, 2]) {
        world.thread(thread).inbox.drain() // Makes room, and sets our ready bit.
        expect(world.thread(0).inbox.tryPark()).toBe(false)
        world.thread(0).inbox.drain()
      }
      world.settle()
      expect(world.thread(2).take()).toEqual([tick(1)])
    })

    test('finds room in the second when the first gets it while it is being asked', () => {
      const world = new World(3)
      fill(world, 1)
      fill(world, 2)
      world.thread(1).subscribe('tick')
      world.thread(2).subscribe('tick')
      const { sender, outbox } = world.thread(0)
      // Thread 1 reads everything in the very moment in which it is asked for room.
      const awaitRoom = outbox.awaitRoom.bind(outbox)
      outbox.awaitRoom = (link, wanted) => {
        outbox.flush(link)
        if (link.to === 1) world.thread(1).inbox.drain()
        return awaitRoom(link, wanted)
      }
      expect(sender.publish(Tick, tick(1), 0)).toBe(false)
      outbox.awaitRoom = awaitRoom
      world.thread(2).inbox.drain()
      expect(world.thread(0).inbox.tryPark()).toBe(false)
      world.settle()
      expect(world.thread(1).take()).toEqual([tick(1)])
      expect(world.thread(2).take()).toEqual([tick(1)])
    })
  })

  test('waits for a full mailbox, while its neighbours on the thread go on', () => {
    const world = new World(2)
    const slow = world.thread(1).subscribe('slow')
    world.thread(1).subscribe('quick')
    const { sender } = world.thread(0)
    world.setFull(slow, true)
    expect(sender.publish('slow', 1, 0)).toBe(false)
    expect(sender.tryPublish('slow', 2, 0)).toBe(false)
    expect(sender.publish('quick', 3, 0)).toBe(true)
    world.settle()
    expect(world.thread(1).take()).toEqual([3])
    world.setFull(slow, false)
    world.settle()
    expect(world.thread(1).take()).toEqual([1])
  })

  test('waits for a full mailbox on the shortest path too', () => {
    const world = new World(2)
    const slow = world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    sender.publish(Tick, tick(0), 0)
    world.setFull(slow, true)
    expect(sender.publish(Tick, tick(1), 0)).toBe(false)
    world.settle()
    expect(world.thread(1).take()).toEqual([tick(0)])
    world.setFull(slow, false)
    sender.publish(Tick, tick(2), 0)
    world.settle()
    expect(world.thread(1).take()).toEqual([tick(1), tick(2)])
  })
})

describe('a lossy destination', () => {
  test('is skipped and counted when it has no room, and the others get the message', () => {
    const world = new World(3)
    fill(world, 1)
    world.thread(1).subscribe('tick', { lossy: true })
    world.thread(2).subscribe('tick')
    const { sender } = world.thread(0)
    expect(sender.publish(Tick, tick(1), 0)).toBe(true)
    expect(dropped(world, ThreadCounter.LossyDropped)).toBe(1)
    world.settle()
    world.thread(1).take()
    expect(world.thread(2).take()).toEqual([tick(1)])
  })

  test('is counted once for a message that waited for another', () => {
    const world = new World(3)
    fill(world, 1)
    fill(world, 2)
    world.thread(1).subscribe('tick', { lossy: true })
    world.thread(2).subscribe('tick')
    const { sender } = world.thread(0)
    sender.publish(Tick, tick(1), 0)
    for (let i = 0; i < 5; i++) sender.retry()
    expect(dropped(world, ThreadCounter.LossyDropped)).toBe(0)
    world.thread(2).inbox.drain()
    sender.retry()
    expect(dropped(world, ThreadCounter.LossyDropped)).toBe(1)
  })

  test('never holds a publisher back, be it a thread, a group or a responder', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('tick', { lossy: true })
    world.thread(1).subscribe('tick', { lossy: true, queue: 'q' })
    world.thread(1).subscribe('tick', { lossy: true, responder: true })
    const { sender } = world.thread(0)
    expect(sender.publish(Tick, tick(1), 0)).toBe(true)
    expect(dropped(world, ThreadCounter.LossyDropped)).toBe(3)
    expect(sender.isWaiting).toBe(false)
  })

  test('is not lossy for a thread that also needs the message', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('tick', { lossy: true })
    world.thread(1).subscribe('tick')
    expect(world.thread(0).sender.publish(Tick, tick(1), 0)).toBe(false)
    world.settle()
    expect(world.thread(1).take().slice(-2)).toEqual([tick(1), tick(1)])
  })
})

describe('a queue group', () => {
  test('takes turns over its members, whatever threads they live on', () => {
    const world = new World(3)
    const members = [1, 1, 2].map((thread) =>
      world.thread(thread).subscribe('tick', { queue: 'q' }),
    )
    const { sender } = world.thread(0)
    for (let n = 0; n < 9; n++) sender.publish(Tick, tick(n), 0)
    world.settle()
    const got = world.threads.flatMap((thread) => thread.got)
    for (const { entry } of members) expect(got.filter(({ id }) => id === entry.id)).toHaveLength(3)
  })

  describe('over several memory nodes', () => {
    /** Thread 0 and the even ones on one node, the odd ones on the other; one member on each. */
    function nodes(how: { responder?: boolean } = {}) {
      const world = new World(5)
      world.isNear = (thread, other) => thread % 2 === other % 2
      const members = [1, 2, 3, 4].map((thread) =>
        world.thread(thread).subscribe('tick', how.responder ? how : { queue: 'q' }),
      )
      const publish = (count: number) => {
        for (let n = 0; n < count; n++) world.thread(0).sender.publish(Tick, tick(n), 0)
        world.settle()
        return world.threads.map((thread) => thread.take().length)
      }
      return { world, members, publish }
    }

    test.each([{}, { responder: true }])('takes turns over near members alone: %o', (how) => {
      const { publish } = nodes(how)
      expect(publish(6)).toEqual([0, 0, 3, 0, 3])
      expect(publish(1)).toEqual([0, 0, 1, 0, 0])
      expect(publish(1)).toEqual([0, 0, 0, 0, 1])
    })

    test('goes to far members, in turn, when no near one can take it', () => {
      const { world, members, publish } = nodes()
      world.setFull(members[1]!, true)
      expect(publish(2)).toEqual([0, 0, 0, 0, 2])
      world.setFull(members[3]!, true)
      expect(publish(4)).toEqual([0, 2, 0, 2, 0])
      world.setFull(members[1]!, false)
      expect(publish(2)).toEqual([0, 0, 2, 0, 0])
    })

    test('goes to far members alike when none is near', () => {
      const { world, members } = nodes()
      for (const index of [1, 3]) world.thread(index + 1).unsubscribe(members[index]!)
      const { sender } = world.thread(0)
      for (let n = 0; n < 4; n++) sender.publish(Tick, tick(n), 0)
      world.settle()
      expect(world.threads.map((thread) => thread.take().length)).toEqual([0, 2, 0, 2, 0])
    })
  })

  test('gets one copy beside those of plain subscriptions and of other groups', () => {
    const world = new World(3)
    world.thread(1).subscribe('tick')
    for (const thread of [1, 2]) world.thread(thread).subscribe('tick', { queue: 'q' })
    for (const thread of [1, 2]) world.thread(thread).subscribe('tick', { queue: 'r' })
    world.thread(0).sender.publish(Tick, tick(1), 0)
    world.settle()
    expect(world.threads.flatMap((thread) => thread.take())).toEqual([tick(1), tick(1), tick(1)])
  })

  test('passes over members with a full mailbox, a full ring or an ended thread', () => {
    const world = new World(5)
    fill(world, 1)
    world.thread(1).subscribe('tick', { queue: 'q' })
    const full = world.thread(2).subscribe('tick', { queue: 'q' })
    world.thread(3).subscribe('tick', { queue: 'q' })
    const last = world.thread(4).subscribe('tick', { queue: 'q' })
    world.setFull(full, true)
    world.thread(3).die()
    const { sender } = world.thread(0)
    for (let n = 0; n < 6; n++) expect(sender.tryPublish(Tick, tick(n), 0)).toBe(true)
    world.settle()
    expect(world.thread(4).got.map(({ id }) => id)).toEqual(Array(6).fill(last.entry.id))
  })

  test('waits when all members are full, and goes on with the first that has room', () => {
    const world = new World(3)
    fill(world, 1)
    fill(world, 2)
    for (const thread of [1, 2]) world.thread(thread).subscribe('tick', { queue: 'q' })
    const { sender } = world.thread(0)
    expect(sender.publish(Tick, tick(1), 0)).toBe(false)
    world.thread(1).inbox.drain()
    world.thread(1).take()
    expect(world.thread(0).inbox.tryPark()).toBe(false) // It was rung by the one that has room.
    world.thread(0).inbox.drain()
    world.thread(1).inbox.drain()
    expect(world.thread(1).take()).toEqual([tick(1)])
  })

  test('does not lose a turn over a message that could not be written', () => {
    const world = new World(4)
    const members = [1, 2].map((thread) => world.thread(thread).subscribe('tick', { queue: 'q' }))
    fill(world, 3)
    world.thread(3).subscribe('tick', { queue: 'r' })
    const { sender } = world.thread(0)
    for (let n = 0; n < 3; n++) sender.tryPublish(Tick, tick(n), 0)
    world.thread(3).inbox.drain()
    for (let n = 0; n < 4; n++) sender.publish(Tick, tick(n), 0)
    world.settle()
    const got = [1, 2].flatMap((thread) => world.thread(thread).got)
    for (const { entry } of members) expect(got.filter(({ id }) => id === entry.id)).toHaveLength(2)
  })
})

describe('a frame', () => {
  /** Bytes of a frame that takes exactly a quarter of a ring of 1024, less its header. */
  const QUARTER = 256 - 16

  test.each([
    ['raw bytes', Blob],
    ['raw bytes on a bare subject', 'blob'],
  ])('of a quarter of the ring is accepted as %s, one byte more is not', (_, target) => {
    const large = new Uint8Array(QUARTER + 1)
    const world = new World(2)
    world.thread(1).subscribe('blob')
    const { sender } = world.thread(0)
    expect(sender.publish(target, new Uint8Array(QUARTER), 0)).toBe(true)
    expect(() => sender.publish(target, large, 0)).toThrow(code('ERR_MESSAGE_TOO_LARGE'))
    expect(() => sender.tryPublish(target, large, 0)).toThrow(code('ERR_MESSAGE_TOO_LARGE'))
    expect(() => sender.send(target, large, 0)).toThrow(code('ERR_MESSAGE_TOO_LARGE'))
    world.settle()
    expect(world.thread(1).take()).toEqual([new Uint8Array(QUARTER)])
  })

  test('of a struct is held to the same limit each time', () => {
    const Fits = message('fits', { b: bytes(QUARTER - 4) })
    const Large = message('large', { b: bytes(QUARTER - 4 + 8) })
    const world = new World(2)
    world.thread(1).subscribe('>')
    const { sender } = world.thread(0)
    for (let i = 0; i < 3; i++) {
      expect(() => sender.publish(Large, { b: new Uint8Array(1) }, 0)).toThrow(
        code('ERR_MESSAGE_TOO_LARGE'),
      )
      sender.publish(Fits, { b: Uint8Array.of(i) }, 0)
    }
    world.settle()
    expect(world.thread(1).take()).toEqual([0, 1, 2].map((i) => ({ b: Uint8Array.of(i) })))
  })

  test('that is too large for one of its receivers alone is written to none', () => {
    const world = new World(3)
    world.thread(1).subscribe('blob')
    world.thread(2).subscribe('blob', { queue: 'q' }) // Its frame names it: eight bytes more.
    const { sender } = world.thread(0)
    expect(() => sender.publish(Blob, new Uint8Array(QUARTER), 0)).toThrow(
      code('ERR_MESSAGE_TOO_LARGE'),
    )
    expect(sender.publish(Blob, new Uint8Array(QUARTER - 8), 0)).toBe(true)
    world.settle()
    expect(world.thread(1).take()).toEqual([new Uint8Array(QUARTER - 8)])
    expect(world.thread(2).take()).toEqual([new Uint8Array(QUARTER - 8)])
  })

  test('of a quarter of the ring can wait like any other', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('blob')
    const { sender } = world.thread(0)
    expect(sender.publish(Blob, new Uint8Array(QUARTER), 0)).toBe(false)
    world.settle()
    expect(world.thread(1).take().at(-1)).toEqual(new Uint8Array(QUARTER))
  })

  test('for three receivers on one thread fits an empty ring, for five it is refused', () => {
    const world = new World(2)
    world.thread(1).subscribe('blob')
    for (const queue of ['q', 'r']) world.thread(1).subscribe('blob', { queue })
    const { sender } = world.thread(0)
    const value = new Uint8Array(QUARTER - 8)
    sender.publish(Blob, value, 0)
    world.settle()
    expect(world.thread(1).take()).toHaveLength(3)
    for (const queue of ['s', 't']) world.thread(1).subscribe('blob', { queue })
    expect(() => sender.publish(Blob, value, 0)).toThrow(code('ERR_MESSAGE_TOO_LARGE'))
    expect(sender.isWaiting).toBe(false)
    sender.publish(Blob, new Uint8Array(8), 0)
    world.settle()
    expect(world.thread(1).take()).toHaveLength(5)
  })

  test('that waited and has become too large is reported, and the next goes on', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('blob')
    const { sender } = world.thread(0)
    sender.publish(Blob, new Uint8Array(QUARTER), 0)
    const sent = watch(sender.send(Blob, new Uint8Array(QUARTER), 0))
    sender.publish(Blob, new Uint8Array(8), 0)
    world.thread(1).subscribe('blob', { queue: 'q' })
    world.settle()
    expect(world.thread(0).lost).toEqual([[code('ERR_MESSAGE_TOO_LARGE'), 'blob']])
    expect(world.thread(1).take().slice(-2)).toEqual([new Uint8Array(8), new Uint8Array(8)])
    return turn().then(() => expect(sent.error).toEqual(code('ERR_MESSAGE_TOO_LARGE')))
  })
})

describe('tryPublish', () => {
  test('writes when there is room, and nothing at all when there is none', () => {
    const world = new World(2)
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    let written = 0
    while (sender.tryPublish(Tick, tick(written), 0)) written++
    for (let i = 0; i < 10; i++) expect(sender.tryPublish(Tick, tick(99), 0)).toBe(false)
    expect(sender.isWaiting).toBe(false)
    expect(written).toBeGreaterThan(30)
    world.settle()
    expect(world.thread(1).take()).toEqual(Array.from({ length: written }, (_, n) => tick(n)))
    expect(sender.tryPublish(Tick, tick(1), 0)).toBe(true)
  })

  test('does not pass messages of its subject that wait', () => {
    const world = new World(2)
    const slow = world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    world.setFull(slow, true)
    sender.publish(Tick, tick(1), 0)
    world.setFull(slow, false)
    expect(sender.tryPublish(Tick, tick(2), 0)).toBe(false)
  })
})

describe('send', () => {
  test('resolves at once when there is room', async () => {
    const world = new World(2)
    world.thread(1).subscribe('tick')
    await world.thread(0).sender.send(Tick, tick(1), 0)
    world.settle()
    expect(world.thread(1).take()).toEqual([tick(1)])
  })

  test('settles in order, each when it has been written', async () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    const settled: number[] = []
    for (let n = 0; n < 100; n++) void sender.send(Tick, tick(n), 0).then(() => settled.push(n))
    await turn()
    expect(settled).toEqual([])
    world.thread(1).inbox.drain()
    sender.retry()
    await turn()
    expect(settled.length).toBeGreaterThan(10)
    expect(settled.length).toBeLessThan(100)
    world.settle()
    await turn()
    expect(settled).toEqual([...Array(100).keys()])
    expect(world.thread(1).take().slice(-100)).toEqual(settled.map(tick))
  })

  test('is rung when there is room again', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('tick')
    void world.thread(0).sender.send(Tick, tick(1), 0)
    world.thread(0).inbox.drain()
    expect(world.thread(0).inbox.tryPark()).toBe(true)
    world.thread(1).inbox.drain()
    expect(world.thread(0).bell.rung).toEqual([])
    expect(world.thread(1).bell.rung).toEqual([0])
  })

  test('keeps its place among publishes', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    sender.publish(Tick, tick(1), 0)
    void sender.send(Tick, tick(2), 0)
    sender.publish(Tick, tick(3), 0)
    world.settle()
    expect(world.thread(1).take().slice(-3)).toEqual([tick(1), tick(2), tick(3)])
  })

  test('resolves when whoever it waited for has unsubscribed', async () => {
    const world = new World(2)
    fill(world, 1)
    const listener = world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    const sent = watch(sender.send(Tick, tick(1), 0))
    world.thread(1).unsubscribe(listener)
    sender.retry()
    await turn()
    expect(sent.state).toBe('resolved')
  })
})

describe('drained', () => {
  test('resolves at once when there is room', async () => {
    const world = new World(2)
    world.thread(1).subscribe('tick')
    await world.thread(0).sender.drained(Tick)
    await world.thread(0).sender.drained('nobody.listens')
    expect(world.thread(0).waiting).toEqual([])
  })

  test('resolves at the low-water mark, and not before', async () => {
    const world = new World(2, { bulkRingBytes: 64 * 1024 })
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    let n = 0
    while (sender.publish(Tick, tick(n), 0)) n++
    const drained = watch(sender.drained(Tick))
    const free = (): number => world.thread(0).bulk(1).ring.freeBytes()
    // 1024 frames of 24 bytes go in each drain: a quarter is free, then more than half.
    world.thread(1).inbox.drain()
    if (free() < 32 * 1024) {
      world.thread(0).inbox.drain()
      await turn()
      expect(drained.state).toBe('pending')
      world.thread(1).inbox.drain()
    }
    expect(free()).toBeGreaterThanOrEqual(32 * 1024)
    expect(world.thread(0).inbox.tryPark()).toBe(false)
    world.thread(0).inbox.drain()
    await turn()
    expect(drained.state).toBe('resolved')
    expect(world.thread(0).waiting).toEqual([true, false])
  })

  test('waits for messages that wait and for full mailboxes', async () => {
    const world = new World(2)
    const slow = world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    world.setFull(slow, true)
    const idle = watch(sender.drained(Tick))
    sender.publish(Tick, tick(1), 0)
    const busy = watch(sender.drained(Tick))
    sender.retry()
    await turn()
    expect([idle.state, busy.state]).toEqual(['pending', 'pending'])
    world.setFull(slow, false)
    sender.retry()
    await turn()
    expect([idle.state, busy.state]).toEqual(['resolved', 'resolved'])
  })

  test('waits for a message that could be written now, but has not been', async () => {
    const world = new World(2)
    const slow = world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    world.setFull(slow, true)
    sender.publish(Tick, tick(1), 0)
    world.setFull(slow, false)
    const drained = watch(sender.drained(Tick))
    await turn()
    expect(drained.state).toBe('pending')
    sender.retry()
    await turn()
    expect(drained.state).toBe('resolved')
  })

  test('does not wait for lossy receivers', async () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('tick', { lossy: true })
    world.thread(1).subscribe('tick', { lossy: true, queue: 'q' })
    await world.thread(0).sender.drained(Tick)
  })

  test('of a group needs one member with room', async () => {
    const world = new World(3)
    fill(world, 1)
    for (const thread of [1, 2]) world.thread(thread).subscribe('tick', { queue: 'q' })
    await world.thread(0).sender.drained(Tick)
    fill(world, 2)
    const drained = watch(world.thread(0).sender.drained(Tick))
    await turn()
    expect(drained.state).toBe('pending')
    world.thread(1).inbox.drain()
    world.thread(0).sender.retry()
    await turn()
    expect(drained.state).toBe('resolved')
  })
})

describe.each(['publish', 'publisher'])('by %s, a struct that often goes to one thread', (how) => {
  const make = () => {
    const world = new World(3, { bulkRingBytes: 16 * 1024 })
    const only = world.thread(1).subscribe('tick')
    const { sender, publishers } = world.thread(0)
    const bound = publishers.of(Tick, ['m', 'n'], 0)
    let n = 0
    const publishOne = (value: { n: number; m: number }): boolean =>
      how === 'publish' ? sender.publish(Tick, value, 0) : bound(value.m, value.n)
    /** Publishes that many more, and returns what the last publish said. */
    const publish = (count: number): boolean => {
      let isBelow = true
      for (let i = 0; i < count; i++) isBelow = publishOne(tick(n++))
      return isBelow
    }
    const takenBy = (thread: number): unknown[] => {
      world.settle()
      return world.thread(thread).take()
    }
    const ticks = (from: number, to: number): unknown[] =>
      Array.from({ length: to - from }, (_, i) => tick(from + i))
    publish(EMITTER_AFTER_MESSAGES + 10)
    expect(takenBy(1)).toEqual(ticks(0, n))
    return { world, only, sender, publish, takenBy, ticks, count: () => n }
  }

  test('reaches a receiver that came later, and leaves one that went', () => {
    const { world, publish, takenBy, ticks, count } = make()
    const from = count()
    const late = world.thread(2).subscribe('tick')
    publish(10)
    expect(takenBy(1)).toEqual(ticks(from, count()))
    expect(takenBy(2)).toEqual(ticks(from, count()))
    world.thread(2).unsubscribe(late)
    const then = count()
    publish(10)
    expect(takenBy(1)).toEqual(ticks(then, count()))
    expect(takenBy(2)).toEqual([])
  })

  test('follows its only receiver to another thread', () => {
    const { world, only, publish, takenBy, ticks, count } = make()
    world.thread(1).unsubscribe(only)
    world.thread(2).subscribe('tick')
    const from = count()
    publish(EMITTER_AFTER_MESSAGES * 3)
    expect(takenBy(1)).toEqual([])
    expect(takenBy(2)).toEqual(ticks(from, count()))
  })

  test('arrives in order across the end of the ring and times without room', () => {
    const { world, sender, publish, takenBy, ticks, count } = make()
    const from = count()
    let isBelow = true
    while (isBelow) isBelow = publish(1)
    // Until the ring has no room and messages wait in the heap.
    while (!sender.isWaiting) publish(1)
    publish(5)
    const got = takenBy(1)
    sender.retry()
    publish(EMITTER_AFTER_MESSAGES + 5)
    got.push(...takenBy(1))
    expect(got).toEqual(ticks(from, count()))
    expect(world.thread(0).sender.isWaiting).toBe(false)
  })

  test('holds back for a full mailbox', () => {
    const { world, only, sender, publish, takenBy, ticks, count } = make()
    const from = count()
    world.setFull(only, true)
    publish(3)
    expect(sender.isWaiting).toBe(true)
    expect(takenBy(1)).toEqual([])
    world.setFull(only, false)
    publish(3) // Behind those that still wait.
    sender.retry()
    expect(takenBy(1)).toEqual(ticks(from, count()))
  })

  test('has each field read once, even when there is no room', () => {
    const { sender, publish } = make()
    while (!sender.isWaiting) publish(1)
    let reads = 0
    const value = {
      n: 1,
      get m() {
        reads++
        return 2
      },
    }
    sender.publish(Tick, value, 0)
    expect(reads).toBe(1)
  })
})

describe('a value that publishes while it is encoded', () => {
  const make = () => {
    const world = new World(2)
    world.thread(1).subscribe('>')
    const { sender } = world.thread(0)
    // The next ticks take the shortest way.
    for (let n = 0; n <= EMITTER_AFTER_MESSAGES; n++) sender.publish(Tick, tick(0), 0)
    world.settle()
    world.thread(1).take()
    return { world, sender }
  }
  const received = (world: World): [string, unknown][] => {
    world.settle()
    return world
      .thread(1)
      .got.splice(0)
      .map(({ subject, value }) => [subject, value])
  }

  test('as a struct harms neither message: what it publishes comes first', () => {
    const { world, sender } = make()
    const value = {
      n: 1,
      get m() {
        sender.publish('other', 'nested', 0)
        sender.publish(Tick, tick(2), 0)
        return 5
      },
    }
    sender.publish(Tick, value, 0)
    expect(sender.isWaiting).toBe(false)
    const got = received(world)
    expect(got).toEqual([
      ['other', 'nested'],
      ['tick', tick(2)],
      ['tick', { n: 1, m: 5 }],
    ])
  })

  test('as an object from toJSON harms neither message', () => {
    const { world, sender } = make()
    class Nested {
      toJSON(): string {
        sender.publish(Any, { nested: true }, 0)
        sender.publish(Tick, tick(7), 0)
        return 'told'
      }
    }
    sender.publish(Any, { before: 1, nested: new Nested(), after: 2 }, 0)
    expect(received(world)).toEqual([
      ['any', { nested: true }],
      ['tick', tick(7)],
      ['any', { before: 1, nested: 'told', after: 2 }],
    ])
  })

  test('three levels deep harms none of them', () => {
    const { world, sender } = make()
    const level = (depth: number): { n: number; m: number } => ({
      n: depth,
      get m() {
        if (depth < 3) sender.publish(Tick, level(depth + 1), 0)
        return depth * 10
      },
    })
    sender.publish(Tick, level(1), 0)
    const values = received(world).map(([, value]) => value)
    expect(values).toHaveLength(3)
    for (const depth of [1, 2, 3]) expect(values).toContainEqual({ n: depth, m: depth * 10 })
  })

  test('and then throws leaves the link usable, and what it published on its way', () => {
    const { world, sender } = make()
    const value = {
      n: 1,
      get m(): number {
        sender.publish('other', 'nested', 0)
        throw new Error('getter')
      },
    }
    expect(() => sender.publish(Tick, value, 0)).toThrow('getter')
    expect(sender.isWaiting).toBe(false)
    sender.publish(Tick, tick(3), 0)
    expect(received(world)).toEqual([
      ['other', 'nested'],
      ['tick', tick(3)],
    ])
  })

  test('and turns out invalid leaves nothing of itself', () => {
    const { world, sender } = make()
    for (let i = 0; i < 100; i++) {
      expect(() => sender.publish(Tick, { n: 1, m: 'x' }, 0)).toThrow(code('ERR_PAYLOAD_INVALID'))
    }
    sender.publish(Tick, tick(3), 0)
    expect(received(world)).toEqual([['tick', tick(3)]])
  })

  test('may ask and try meanwhile', () => {
    const { world, sender } = make()
    world.thread(1).subscribe('ask', { responder: true })
    sender.publish(Tick, tick(0), 0)
    const request = new FakeRequest(1)
    const outcomes: boolean[] = []
    sender.publish(
      Tick,
      {
        n: 1,
        get m() {
          sender.request(null, 'ask', 'q', 0, request, false)
          outcomes.push(sender.tryPublish('other', 1, 0))
          return 2
        },
      },
      0,
    )
    expect(outcomes).toEqual([true])
    world.settle()
    expect(request.thread).toBe(1)
    expect(world.thread(1).answered).toHaveLength(1)
  })
})

describe('request', () => {
  test('goes to one responder in turn, with all that it needs, and to every listener', () => {
    const world = new World(3)
    for (const thread of [1, 2]) world.thread(thread).subscribe('ask', { responder: true })
    world.thread(1).subscribe('ask')
    const { sender } = world.thread(0)
    const requests = [1, 2, 3, 4].map((counter) => new FakeRequest(counter))
    for (const request of requests) sender.request(null, 'ask', { q: 1 }, 8, request, false)
    expect(requests.map(({ thread }) => thread).sort()).toEqual([1, 1, 2, 2])
    expect(requests.map(({ incarnation }) => incarnation)).toEqual([1, 1, 1, 1])
    world.settle()
    for (const thread of [1, 2]) {
      const mine = requests.filter((request) => request.thread === thread)
      expect(world.thread(thread).answered.map(([ticket]) => ticket)).toEqual(
        mine.map(({ counter, deadlineMs }) =>
          expect.objectContaining({
            subject: 'ask',
            thread: 0,
            agent: 8,
            incarnation: 1,
            counter,
            deadlineMs,
          }),
        ),
      )
    }
    // The handlers of responders note what they get too.
    expect(world.thread(1).got.filter(({ value }) => value !== null)).toHaveLength(2 + 4)
  })

  test('flushes at once when it is asked to', () => {
    const world = new World(2)
    world.thread(1).subscribe('ask', { responder: true })
    const link = world.thread(0).bulk(1)
    const { sender } = world.thread(0)
    sender.request(null, 'ask', 1, 0, new FakeRequest(1), false)
    expect(link.ring.pendingBytes).toBeGreaterThan(0)
    sender.request(null, 'ask', 1, 0, new FakeRequest(2), true)
    expect(link.ring.pendingBytes).toBe(0)
  })

  test('fails at once when nobody answers, and nothing is written', () => {
    const world = new World(2)
    world.thread(1).subscribe('ask')
    const { sender } = world.thread(0)
    expect(() => sender.request(null, 'ask', 1, 0, new FakeRequest(1), true)).toThrow(
      code('ERR_NO_RESPONDERS'),
    )
    world.settle()
    expect(world.thread(1).take()).toEqual([])
  })

  test('fails at once when every responder’s thread has ended, withdrawn or not', () => {
    const world = new World(3)
    for (const thread of [1, 2]) world.thread(thread).subscribe('ask', { responder: true })
    const { sender } = world.thread(0)
    world.thread(1).die()
    for (const counter of [1, 2, 3]) {
      const request = new FakeRequest(counter)
      sender.request(null, 'ask', 1, 0, request, true)
      expect(request.thread).toBe(2)
    }
    world.thread(2).die()
    expect(() => sender.request(null, 'ask', 1, 0, new FakeRequest(4), true)).toThrow(
      code('ERR_NO_RESPONDERS'),
    )
    expect(sender.isWaiting).toBe(false)
  })

  test('that waits fails when its responders vanish', () => {
    const world = new World(2)
    fill(world, 1)
    const responder = world.thread(1).subscribe('ask', { responder: true })
    const { sender } = world.thread(0)
    const request = new FakeRequest(1)
    sender.request(null, 'ask', 1, 0, request, true)
    expect([request.thread, request.error]).toEqual([-1, null])
    world.thread(1).unsubscribe(responder)
    sender.retry()
    expect(request.error).toEqual(code('ERR_NO_RESPONDERS'))
    expect(sender.isWaiting).toBe(false)
  })

  test('that waits goes to another responder when its own has ended', () => {
    const world = new World(3)
    fill(world, 1)
    world.thread(1).subscribe('ask', { responder: true })
    const { sender } = world.thread(0)
    const request = new FakeRequest(1)
    sender.request(null, 'ask', 'q', 0, request, true)
    world.thread(1).die()
    world.thread(2).subscribe('ask', { responder: true })
    sender.retry()
    expect(request.thread).toBe(2)
  })

  test('that waits is not sent any more once it has settled', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('ask', { responder: true })
    const { sender } = world.thread(0)
    const [gone, stays] = [new FakeRequest(1), new FakeRequest(2)]
    sender.request(null, 'ask', 'gone', 0, gone, true)
    sender.request(null, 'ask', 'stays', 0, stays, true)
    gone.isSettled = true
    world.settle()
    expect(world.thread(1).answered.map(([ticket]) => ticket.counter)).toEqual([2])
    expect(world.thread(0).bulk(1).overflowBytes).toBe(0)
  })

  test('of a quarter of the ring is accepted, one byte more is not', () => {
    const world = new World(2)
    world.thread(1).subscribe('blob', { responder: true })
    const { sender } = world.thread(0)
    const ask = (size: number): void =>
      sender.request(Blob, 'blob', new Uint8Array(size), 0, new FakeRequest(1), true)
    ask(256 - 16 - 24)
    expect(() => ask(256 - 16 - 24 + 1)).toThrow(code('ERR_MESSAGE_TOO_LARGE'))
    world.settle()
    expect(world.thread(1).answered).toHaveLength(1)
  })
})

describe('a full dictionary', () => {
  test('lets subjects travel inline, in publishes, group messages and requests', () => {
    const world = new World(2, { dictionaryBytes: 512 })
    const { sender, routes } = world.thread(0)
    for (let i = 0; i < 60; i++) routes.route(`subject.${i}`)
    const subject = 'a.subject.of.its.own'
    world.thread(1).subscribe(subject)
    world.thread(1).subscribe('a.>', { queue: 'q' })
    world.thread(1).subscribe(subject, { responder: true })
    const Inline = message(subject, { n: u32 })
    for (let n = 0; n < 3; n++) sender.publish(Inline, { n }, 3)
    sender.publish(subject, 'text', 3)
    sender.request(null, subject, 'asked', 3, new FakeRequest(5), true)
    world.settle()
    const { got, answered } = world.thread(1)
    expect(new Set(got.map((one) => one.subject))).toEqual(new Set([subject]))
    expect(got.filter(({ value }) => value === 'text')).toHaveLength(3)
    expect(got.filter(({ value }) => (value as { n?: number }).n === 2)).toHaveLength(3)
    expect(answered.map(([ticket]) => [ticket.subject, ticket.counter])).toEqual([[subject, 5]])
  })
})

describe('direct', () => {
  const reply = (
    world: World,
    value: unknown,
    counter = 1,
    kind: FrameKind = FrameKind.Reply,
  ): void => {
    const { sender } = world.thread(0)
    const flags = kind === FrameKind.Reply && value === 'failed' ? FrameFlag.Failed : 0
    sender.direct.send(world.thread(0).urgent(1), kind, flags, null, value, 1, counter)
  }

  test('carries replies, failures and control frames', () => {
    const world = new World(2)
    reply(world, { a: 1 }, 5)
    reply(world, 'failed', 6)
    reply(world, { op: 'x' }, 7, FrameKind.Control)
    world.settle()
    expect(world.thread(1).replies).toEqual([
      [1, 5, false, { a: 1 }],
      [1, 6, true, 'failed'],
    ])
    expect(world.thread(1).controls).toEqual([[0, 1, 7, { op: 'x' }]])
  })

  test('encodes replies as their message says', () => {
    const world = new World(2)
    const { sender } = world.thread(0)
    sender.direct.send(world.thread(0).urgent(1), FrameKind.Reply, 0, Tick, tick(4), 1, 2)
    world.settle()
    expect(world.thread(1).replies).toEqual([[1, 2, false, tick(4)]])
  })

  test('keeps replies in order when they have to wait', () => {
    const world = new World(2)
    for (let n = 0; n < 300; n++) reply(world, n, n + 1)
    expect(world.thread(0).sender.isWaiting).toBe(true)
    world.settle()
    expect(world.thread(1).replies.map(([, counter]) => counter)).toEqual(
      Array.from({ length: 300 }, (_, n) => n + 1),
    )
    expect(world.thread(0).sender.isWaiting).toBe(false)
    expect(world.thread(0).urgent(1).overflowBytes).toBe(0)
  })

  test('lets control frames pass replies that wait, in their own order', () => {
    const world = new World(2)
    for (let n = 0; n < 300; n++) reply(world, n, n + 1)
    for (let n = 0; n < 3; n++) reply(world, { n }, n + 1, FrameKind.Control)
    world.thread(0).outbox.flushAll()
    world.thread(1).inbox.drain()
    expect(world.thread(1).controls.map(([, , counter]) => counter)).toEqual([1, 2, 3])
    for (let n = 3; n < 60; n++) reply(world, { n }, n + 1, FrameKind.Control)
    world.settle()
    expect(world.thread(1).controls.map(([, , counter]) => counter)).toEqual(
      Array.from({ length: 60 }, (_, n) => n + 1),
    )
    expect(world.thread(1).replies).toHaveLength(300)
  })

  test('refuses and counts what overflows, but still takes failures', () => {
    const world = new World(2)
    const value = 'x'.repeat(200)
    let refused = 0
    for (let n = 0; n < 6000; n++) {
      try {
        reply(world, value, n + 1)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_BACKPRESSURE' })
        refused++
      }
    }
    expect(dropped(world, ThreadCounter.RepliesDropped)).toBe(refused)
    expect(refused).toBeGreaterThan(0)
    expect(world.thread(0).urgent(1).overflowBytes).toBeLessThanOrEqual(OVERFLOW_BYTES_MAX)
    reply(world, 'failed', 7000)
    world.settle()
    expect(world.thread(1).replies).toHaveLength(6000 - refused + 1)
    expect(world.thread(1).replies.at(-1)).toEqual([1, 7000, true, 'failed'])
  })

  test('drops what waits for a thread that has ended, and waits no longer', () => {
    const world = new World(2)
    for (let n = 0; n < 100; n++) reply(world, n, n + 1)
    const { sender } = world.thread(0)
    world.thread(1).die()
    sender.retry()
    expect(sender.isWaiting).toBe(false)
    expect(dropped(world, ThreadCounter.RepliesDropped)).toBeGreaterThan(0)
    expect(world.thread(0).urgent(1).overflowBytes).toBe(0)
    expect(world.thread(0).waiting).toEqual([true, false])
  })

  test('refuses what takes more than a quarter of the urgent ring', () => {
    const world = new World(2)
    expect(() => reply(world, new Uint8Array(256 - 24 + 1))).toThrow(code('ERR_MESSAGE_TOO_LARGE'))
    reply(world, new Uint8Array(256 - 24))
    world.settle()
    expect(world.thread(1).replies).toHaveLength(1)
  })
})

describe('a receiver that writes nonsense into its words', () => {
  const breakHead = (world: World, to: number, lane: Lane): void => {
    const { layout, views } = world.region
    views.i32[(layout.laneWords(0, to, lane) + LINK_HEAD) >>> 2] = 1 << 20
  }

  test('is passed over by messages for several threads once it has been found out', () => {
    const world = new World(3)
    fill(world, 1)
    world.thread(1).subscribe('a')
    world.thread(2).subscribe('a')
    const { sender } = world.thread(0)
    breakHead(world, 1, Lane.Bulk)
    // The first says so, and has written nothing.
    expect(() => sender.publish('a', 1, 0)).toThrow(code('ERR_FRAME_CORRUPT'))
    expect(sender.publish('a', 2, 0)).toBe(true)
    world.thread(0).outbox.flushAll()
    world.thread(2).inbox.drain()
    expect(world.thread(2).take()).toEqual([2])
  })

  test('stays closed when its head makes sense again', () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('a')
    breakHead(world, 1, Lane.Bulk)
    const { sender } = world.thread(0)
    expect(() => sender.publish('a', 1, 0)).toThrow(code('ERR_FRAME_CORRUPT'))
    world.thread(1).inbox.drain()
    expect(() => sender.publish('a', 1, 0)).toThrow(code('ERR_FRAME_CORRUPT'))
  })

  test('is no obstacle to the route of another, even if it was broken before its first use', () => {
    const world = new World(3)
    world.thread(1).subscribe('>')
    world.thread(2).subscribe('b')
    breakHead(world, 1, Lane.Bulk)
    const { sender } = world.thread(0)
    expect(() => sender.publish('b', 1, 0)).toThrow(code('ERR_FRAME_CORRUPT'))
    sender.publish('b', 2, 0)
    world.thread(0).outbox.flushAll()
    world.thread(2).inbox.drain()
    expect(world.thread(2).take()).toEqual([2])
  })

  test('loses its own messages; those of others are written all the same', async () => {
    const world = new World(3)
    fill(world, 1)
    fill(world, 2)
    world.thread(1).subscribe('a')
    world.thread(2).subscribe('b')
    const { sender } = world.thread(0)
    sender.publish('a', 1, 0)
    const sent = watch(sender.send('a', 2, 0))
    sender.publish('b', 3, 0)
    const drained = watch(sender.drained('a'))
    breakHead(world, 1, Lane.Bulk)
    world.thread(2).inbox.drain()
    world.thread(2).take()
    expect(() => sender.retry()).not.toThrow()
    world.thread(0).outbox.flushAll()
    world.thread(2).inbox.drain()
    expect(world.thread(2).take()).toEqual([3])
    await turn()
    expect(world.thread(0).lost).toEqual([[code('ERR_FRAME_CORRUPT'), 'a']])
    expect(sent.error).toEqual(code('ERR_FRAME_CORRUPT'))
    expect(drained.error).toEqual(code('ERR_FRAME_CORRUPT'))
    expect(sender.isWaiting).toBe(false)
  })

  test('loses its own replies; those of others are written all the same', () => {
    const world = new World(3)
    const { sender } = world.thread(0)
    for (const to of [1, 2]) {
      for (let n = 0; n < 100; n++) {
        sender.direct.send(world.thread(0).urgent(to), FrameKind.Reply, 0, null, n, 1, n + 1)
      }
    }
    breakHead(world, 1, Lane.Urgent)
    expect(() => sender.retry()).not.toThrow()
    for (let i = 0; i < 10; i++) {
      world.thread(0).outbox.flushAll()
      world.thread(2).inbox.drain()
      sender.retry()
    }
    expect(world.thread(2).replies).toHaveLength(100)
    expect(sender.isWaiting).toBe(false)
  })
})

describe('close', () => {
  test('settles everything that waits and refuses what comes', async () => {
    const world = new World(2)
    fill(world, 1)
    world.thread(1).subscribe('tick')
    const { sender } = world.thread(0)
    sender.publish(Tick, tick(1), 0)
    const sent = watch(sender.send(Tick, tick(2), 0))
    const drained = watch(sender.drained(Tick))
    expect(sender.close()).toBe(2)
    await turn()
    expect(sent.error).toEqual(code('ERR_CLOSED'))
    expect(drained.error).toEqual(code('ERR_CLOSED'))
    expect(sender.isWaiting).toBe(false)
    for (const act of [
      () => sender.publish(Tick, tick(1), 0),
      () => sender.publish('a', 1, 0),
      () => sender.tryPublish(Tick, tick(1), 0),
      () => void sender.send(Tick, tick(1), 0),
      () => void sender.drained(Tick),
      () => sender.request(null, 'a', 1, 0, new FakeRequest(1), false),
    ]) {
      expect(act).toThrow(code('ERR_CLOSED'))
    }
  })
})

test('a receiver that has ended holds up nobody once it is withdrawn', () => {
  const world = new World(3)
  fill(world, 1)
  const gone = world.thread(1).subscribe('tick')
  world.thread(2).subscribe('tick')
  const { sender } = world.thread(0)
  sender.publish(Tick, tick(1), 0)
  world.setState(1, ThreadState.Dead)
  world.log.remove([gone.entry.id])
  sender.retry()
  world.thread(0).outbox.flushAll()
  world.thread(2).inbox.drain()
  expect(world.thread(2).take()).toEqual([tick(1)])
})

describe('a plain object', () => {
  test('is not mixed up with another thread’s whose keys have the same fingerprint', () => {
    const world = new World(3)
    world.thread(2).subscribe('a')
    for (let n = 0; n < 20; n++) {
      world.thread(0).sender.publish('a', { k55zx: n }, 0)
      world.thread(1).sender.publish('a', { kgpcd: n }, 0)
    }
    world.settle()
    const { got } = world.thread(2)
    expect(got).toHaveLength(40)
    for (const { value, source } of got) {
      expect(Object.keys(value as object)).toEqual([source === 0 ? 'k55zx' : 'kgpcd'])
    }
  })

  test('with a getter that throws is refused alike, whether its keys are known or not', () => {
    const world = new World(2)
    world.thread(1).subscribe('a')
    const { sender } = world.thread(0)
    const bad = {
      get a(): number {
        throw new Error('mine')
      },
    }
    for (let n = 0; n < 30; n++) {
      expect(() => sender.publish('a', bad, 0)).toThrow(code('ERR_PAYLOAD_UNSUPPORTED'))
      sender.publish('a', { a: n }, 0)
    }
    world.settle()
    expect(world.thread(1).take()).toHaveLength(30)
  })
})

test('bytes that lie about their length stay within their field', () => {
  class Liar extends Uint8Array {
    override get byteLength(): number {
      return 1
    }
    override get length(): number {
      return 1
    }
  }
  const world = new World(2)
  const Block = message('a', { block: bytes(8), n: i32 })
  world.thread(1).subscribe('a')
  const { sender } = world.thread(0)
  const liar = new Liar(64).fill(255)
  const refused = code('ERR_PAYLOAD_INVALID')
  // First the long way, in the end an emitter.
  for (let n = 0; n < 50; n++) {
    expect(() => sender.publish(Block, { block: liar, n: -1 }, 0)).toThrow(refused)
    sender.publish(Block, { block: new Uint8Array(2), n }, 0)
  }
  world.settle()
  expect(world.thread(1).take()).toEqual(
    Array.from({ length: 50 }, (_, n) => ({ block: new Uint8Array(2), n })),
  )
  sender.publish(message('a', raw), liar, 0)
  world.settle()
  expect(world.thread(1).take()).toEqual([new Uint8Array(64).fill(255)])
})

test('the frames of one block to one thread are seen together, or not at all', () => {
  const Small = message('small', { n: u32 })
  for (let left = 1; left < 12; left++) {
    const world = new World(2, { bulkRingBytes: 65_536, chunkBytes: 4 * 1024 * 1024 })
    const { sender, outbox } = world.thread(0)
    const plain = world.thread(1).subscribe('large')
    world.thread(1).subscribe('large', { queue: 'g' })
    world.thread(1).subscribe('small', { message: Small })
    const link = outbox.link(1, Lane.Bulk)
    const batches = (): number => readLink(world.region, 0, 1, Lane.Bulk)?.batches ?? 0
    // So many more of them, and the batch would leave by itself.
    for (let n = 0; link.ring.pendingBytes < FLUSH_BYTES - 24 * left; n++)
      sender.publish(Small, { n }, 0)
    expect(batches()).toBe(0)
    sender.publish('large', new Uint8Array(100_000), 0)
    expect(batches()).toBe(1)
    world.settle()
    expect(world.thread(1).got.filter(({ id }) => id === plain.entry.id)).toHaveLength(1)
    expect(world.thread(1).got.filter(({ subject }) => subject === 'large')).toHaveLength(2)
  }
})
