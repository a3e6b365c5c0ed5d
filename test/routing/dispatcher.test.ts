import { describe, expect, test } from 'vitest'
import { CHANGES_COMPARED_MAX, FRAME_HEADER_BYTES } from '../../src/base/limits.js'
import { message, object, raw } from '../../src/codec/message.js'
import { u32, utf8 } from '../../src/codec/schema.js'
import { Lane } from '../../src/memory/layout.js'
import { CodecId } from '../../src/base/codec-id.js'
import { FRAME_CODEC_SHIFT, FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../../src/ring/frame.js'
import { FakeRequest, World, type Player } from './world.js'

const Tick = message('tick', { n: u32, name: utf8(8) })
const Other = message('tick', { n: u32 })
const Any = message('tick', object<unknown>())
const Bytes = message('tick', raw)
const tick = { n: 7, name: 'seven' }
const code = (expected: string): unknown => expect.objectContaining({ code: expected })

interface RawFrame {
  readonly kind?: number
  readonly flags?: number
  readonly codec?: number
  readonly subject?: number
  readonly typeId?: number
  readonly words?: readonly number[]
  readonly lengthBytes?: number
}

/** Writes a frame word by word, as a thread gone mad would, and lets thread 1 have it. */
function send(world: World, frame: RawFrame): Player {
  const { kind = FrameKind.Publish, flags = 0, codec = CodecId.None } = frame
  const { subject = 1, typeId = 0, words = [] } = frame
  const from = world.thread(0)
  const link = from.bulk(1)
  const length = frame.lengthBytes ?? FRAME_HEADER_BYTES + 4 * words.length
  const start = link.ring.claim(length) >>> 2
  const word1 = flags | (codec << FRAME_CODEC_SHIFT)
  world.region.views.i32.set(
    [length | (kind << FRAME_KIND_SHIFT), word1, subject, typeId, ...words],
    start,
  )
  link.ring.commit()
  from.outbox.flush(link)
  world.thread(1).inbox.drain()
  return world.thread(1)
}

const worldWith = (...subjects: string[]): World => {
  const world = new World(2)
  for (const subject of subjects) world.thread(0).dictionary.subjectId(subject)
  return world
}

describe('a publish', () => {
  test('is given to each subscription as a value of its own', () => {
    const world = new World(2)
    const values: unknown[] = []
    for (let i = 0; i < 2; i++) {
      world.thread(1).subscribe('>', {
        handler: (value: { list?: number[] }) => {
          values.push(structuredClone(value))
          if (value.list !== undefined) value.list.push(99)
        },
      })
      world.thread(1).subscribe('tick', {
        message: Tick,
        handler: (value: { n: number }) => (values.push({ ...value }), (value.n = 0)),
      })
    }
    world.thread(0).sender.publish('a', { list: [1] }, 0)
    world.thread(0).sender.publish(Tick, tick, 0)
    world.settle()
    expect(values).toEqual([{ list: [1] }, { list: [1] }, tick, tick, tick, tick])
  })

  test('of raw bytes is a copy that stays when the ring goes on', () => {
    const world = new World(2)
    world.thread(1).subscribe('tick', { message: Bytes })
    const { sender } = world.thread(0)
    for (let n = 0; n < 200; n++) {
      sender.publish(Bytes, Uint8Array.of(n, n, n), 0)
      world.settle()
    }
    const values = world.thread(1).take() as Uint8Array[]
    expect(values).toEqual(Array.from({ length: 200 }, (_, n) => Uint8Array.of(n, n, n)))
    expect(values[0]?.buffer).not.toBe(world.region.memory)
  })

  test('finds subscriptions that came after the first of its subject, and none that left', () => {
    const world = new World(2)
    const first = world.thread(1).subscribe('a')
    const publish = (): unknown[] => {
      world.thread(0).sender.publish('a', 1, 0)
      world.settle()
      return world
        .thread(1)
        .got.splice(0)
        .map(({ id }) => id)
    }
    expect(publish()).toEqual([first.entry.id])
    const second = world.thread(1).subscribe('*')
    expect(publish()).toEqual([first.entry.id, second.entry.id])
    world.thread(1).unsubscribe(first)
    expect(publish()).toEqual([second.entry.id])
  })

  test('finds whoever came, however many others came and went since its last one', () => {
    const world = new World(2)
    const { sender } = world.thread(0)
    const receiver = world.thread(1)
    receiver.subscribe('a')
    let wanted = 0
    for (const others of [0, 1, CHANGES_COMPARED_MAX - 1, CHANGES_COMPARED_MAX, 100]) {
      const late = receiver.subscribe('*')
      for (let n = 0; n < others; n++) receiver.unsubscribe(receiver.subscribe(`other.${n}`))
      sender.publish('a', others, 0)
      world.settle()
      expect(receiver.got).toHaveLength((wanted += 2))
      receiver.unsubscribe(late)
      for (let n = 0; n < others; n++) receiver.unsubscribe(receiver.subscribe(`other.${n}`))
      sender.publish('a', others, 0)
      world.settle()
      expect(receiver.got).toHaveLength((wanted += 1))
    }
  })

  test('that finds nobody any more is dropped in silence', () => {
    const world = new World(2)
    const gone = world.thread(1).subscribe('a', { queue: 'q' })
    const plain = world.thread(1).subscribe('a')
    world.thread(0).sender.publish('a', 1, 0)
    world.thread(1).unsubscribe(gone)
    world.thread(1).unsubscribe(plain)
    world.settle()
    expect(world.thread(1).got).toEqual([])
    expect(world.thread(1).errors).toEqual([])
  })

  test('whose target’s number has a new owner is dropped', () => {
    const world = new World(2)
    const member = world.thread(1).subscribe('a', { queue: 'q' })
    world.thread(0).sender.publish('a', 1, 0)
    const player = world.thread(1)
    player.unsubscribe(member)
    const successor = { ...member, entry: { ...member.entry, generation: 12_345 } }
    player.dispatcher.add(successor)
    world.settle()
    expect(player.got).toEqual([])
    expect(player.dispatcher.subscriptions.get(member.entry.id)).toBe(successor)
  })

  test('of a type seen only in the sender’s dictionary is decoded all the same', () => {
    const world = new World(2)
    world.thread(1).subscribe('tick')
    world.thread(0).sender.publish(Tick, tick, 0)
    world.settle()
    expect(world.thread(1).take()).toEqual([tick])
  })
})

describe('a message of another type than the subscription’s', () => {
  test.each([
    [
      'a struct',
      Other,
      { n: 1 },
      `struct 0x${(Other.typeId >>> 0).toString(16).padStart(8, '0')} ${Other.struct?.canonical}`,
    ],
    ['an object', Any, { n: 1 }, 'msgpack'],
    ['bytes', Bytes, Uint8Array.of(1), 'raw'],
  ] as const)('is refused and named when it is %s', (_, sent, value, found) => {
    const world = new World(2)
    world.thread(1).subscribe('tick', { message: Tick })
    world.thread(1).subscribe('tick')
    world.thread(0).sender.publish(sent as never, value, 0)
    world.settle()
    const wanted = `struct 0x${Tick.typeId.toString(16).padStart(8, '0')} ${Tick.struct?.canonical}`
    expect(world.thread(1).errors).toEqual([
      [
        expect.objectContaining({
          code: 'ERR_TYPE_MISMATCH',
          data: { subject: 'tick', found, wanted },
        }),
        'tick',
      ],
    ])
    expect(world.thread(1).got).toHaveLength(1)
  })

  test('is nothing at all where bytes were wanted', () => {
    const world = new World(2)
    world.thread(1).subscribe('tick', { message: Bytes })
    world.thread(0).sender.publish('tick', undefined, 0)
    world.settle()
    expect(world.thread(1).errors).toMatchObject([
      [{ data: { found: 'nothing', wanted: 'raw' } }, 'tick'],
    ])
  })

  test('is refused to its requester when it is a request', () => {
    const world = new World(2)
    world.thread(1).subscribe('tick', { message: Tick, responder: true })
    world.thread(0).sender.request(Other, 'tick', { n: 1 }, 0, new FakeRequest(4), false)
    world.settle()
    expect(world.thread(1).refused).toEqual([
      [expect.objectContaining({ counter: 4 }), code('ERR_TYPE_MISMATCH')],
    ])
    expect(world.thread(1).answered).toEqual([])
  })
})

describe('a lazy subscription', () => {
  test('gets a view that lives until its handler returns', () => {
    const world = new World(2)
    const views: { n: number }[] = []
    world.thread(1).subscribe('tick', {
      message: Tick,
      lazy: true,
      handler: (view: { n: number }) => {
        expect(view.n).toBe(7)
        views.push(view)
      },
    })
    world.thread(0).sender.publish(Tick, tick, 0)
    world.settle()
    expect(() => views[0]?.n).toThrow(code('ERR_INFO_EXPIRED'))
  })

  test('gets values of its own for messages that have to wait for it', async () => {
    const world = new World(2)
    const seen: number[] = []
    const gates: (() => void)[] = []
    const subscription = world.thread(1).subscribe('tick', {
      message: Tick,
      lazy: true,
      handler: (view: { n: number }) => {
        seen.push(view.n)
        return new Promise<void>((resolve) => gates.push(resolve))
      },
    })
    for (let n = 0; n < 3; n++) world.thread(0).sender.publish(Tick, { n, name: '' }, 0)
    world.settle()
    while (subscription.mailbox.unfinished > 0) {
      gates.shift()?.()
      await null
    }
    expect(seen).toEqual([0, 1, 2])
  })
})

describe('a request', () => {
  test('that nobody handles any more is refused', () => {
    const world = new World(2)
    const responder = world.thread(1).subscribe('ask', { responder: true })
    world.thread(0).sender.request(null, 'ask', 1, 0, new FakeRequest(9), false)
    world.thread(1).unsubscribe(responder)
    world.settle()
    expect(world.thread(1).refused).toEqual([
      [
        expect.objectContaining({ counter: 9, thread: 0, subject: 'ask' }),
        code('ERR_NO_RESPONDERS'),
      ],
    ])
  })
})

describe('a frame that no sender writes', () => {
  const TICK_WORDS = [7, 5, 0, 0]

  test.each<[string, RawFrame, RegExp]>([
    ['an unknown subject', { subject: 99 }, /subject number 99/],
    ['the subject 0', { subject: 0 }, /subject number 0/],
    ['a negative subject', { subject: -5 }, /subject number -5/],
    ['an unknown kind', { kind: 9 }, /kind 9/],
    ['no kind', { kind: 0 }, /kind 0/],
    ['blocks beyond its end', { flags: FrameFlag.Target | FrameFlag.Deadline }, /beyond its end/],
    ['an inline subject of no bytes', { flags: FrameFlag.InlineSubject, subject: 0 }, /of 0 bytes/],
    [
      'an inline subject longer than it is',
      { flags: FrameFlag.InlineSubject, subject: 9, words: [1, 2] },
      /of 9 bytes/,
    ],
    [
      'an inline subject of endless length',
      { flags: FrameFlag.InlineSubject, subject: 0x7fff_ffff, words: [1, 2] },
      /2147483647 bytes/,
    ],
    [
      'an inline subject of negative length',
      { flags: FrameFlag.InlineSubject, subject: -8, words: [1, 2] },
      /-8 bytes/,
    ],
    [
      'a request with an unknown subject',
      { kind: FrameKind.Request, subject: 77 },
      /subject number 77/,
    ],
  ])('with %s is reported, and the next is handled', (_, frame, found) => {
    const world = worldWith('a')
    world.thread(1).subscribe('a')
    const player = send(world, frame)
    expect(player.errors).toMatchObject([[{ code: 'ERR_FRAME_CORRUPT' }, '(frame)']])
    expect((player.errors[0]?.[0] as Error).message).toMatch(found)
    send(world, { subject: 1 })
    expect(player.take()).toEqual([undefined])
    expect(player.errors).toHaveLength(1)
  })

  test.each<[string, RawFrame, string]>([
    [
      'a type in no dictionary',
      { codec: CodecId.Struct, typeId: -2, words: TICK_WORDS },
      'ERR_TYPE_UNKNOWN',
    ],
    ['an unknown codec', { codec: 9 }, 'ERR_FRAME_CORRUPT'],
    ['msgpack that is none', { codec: CodecId.Msgpack, words: [-1, -1] }, 'ERR_FRAME_CORRUPT'],
    [
      'a struct cut short',
      { codec: CodecId.Struct, typeId: Tick.typeId, words: [7] },
      'ERR_FRAME_CORRUPT',
    ],
  ])('with %s is an error of each subscription, and the next is handled', (_, frame, wanted) => {
    const world = worldWith('a')
    if (Tick.struct !== null) world.thread(0).dictionary.addType(Tick.typeId, Tick.struct.canonical)
    world.thread(1).subscribe('a')
    world.thread(1).subscribe('*')
    const player = send(world, frame)
    expect(player.errors).toMatchObject([
      [{ code: wanted }, 'a'],
      [{ code: wanted }, 'a'],
    ])
    send(world, { subject: 1 })
    expect(player.take()).toEqual([undefined, undefined])
  })

  test('names the type it does not know and the thread that should have written it', () => {
    const world = worldWith('a')
    world.thread(1).subscribe('a')
    const player = send(world, { codec: CodecId.Struct, typeId: 0xab, words: TICK_WORDS })
    expect(player.errors).toMatchObject([[{ data: { found: '0x000000ab', thread: 0 } }, 'a']])
  })

  test('with a schema that is none in the dictionary is reported each time', () => {
    const world = worldWith('a')
    world.thread(0).dictionary.addType(5, '{oops')
    world.thread(1).subscribe('a')
    for (let i = 0; i < 2; i++) send(world, { codec: CodecId.Struct, typeId: 5, words: TICK_WORDS })
    expect(world.thread(1).errors).toHaveLength(2)
    expect(world.thread(1).got).toEqual([])
  })
})

test('a region beyond 2 GiB is written and read up to its end', () => {
  // Untouched pages of it cost nothing.
  const ringBytes = 64 * 1024 * 1024
  const world = new World(5, { bulkRingBytes: ringBytes, urgentRingBytes: ringBytes / 2 })
  expect(world.region.layout.ring(4, 4, Lane.Bulk)).toBeGreaterThan(2 ** 31)
  const last = world.thread(4)
  last.subscribe('>')
  last.subscribe('big', { queue: 'q' })
  last.subscribe('big', { responder: true })
  const big = new Uint8Array(5000).map((_, i) => i)
  last.sender.publish('big', big, 0)
  last.sender.publish('big', { small: true }, 0)
  last.sender.publish(Tick, tick, 0)
  last.sender.request(null, 'big', 'asked', 0, new FakeRequest(1), false)
  world.settle()
  expect(last.errors).toEqual([])
  expect(last.take()).toHaveLength(3 + 3 + 1 + 3)
  expect(last.answered).toHaveLength(1)
})
