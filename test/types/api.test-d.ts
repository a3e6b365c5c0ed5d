// What the compiler promises to users of the front door.

import {
  ascii,
  channel,
  createEngine,
  defineAgent,
  f64,
  i16,
  join,
  message,
  object,
  on,
  oneOf,
  openReceiver,
  openSender,
  raw,
  rpc,
  u32,
  type AgentContext,
  type CompressionOptions,
  type DiagnosticEvents,
  type Engine,
  type EngineStats,
  type FlyshuttleError,
  type LetterSummary,
  type LinkStats,
  type ReplayOutcome,
  type JoinedBus,
  type JoinHandle,
  type Lease,
  type Loan,
  type MessageInfo,
  type OfferOutcome,
  type Outcome,
  type Priority,
  type ThreadStats,
  type SubscriptionHandle,
} from 'flyshuttle'
import { describe, expectTypeOf, test } from 'vitest'

const Flight = message('flights.departed', { date: f64, delayMin: i16, origin: ascii(3) })
const Note = message<{ text: string }>('notes')
const Frame = message('frames', raw)
const Worst = rpc('delays.worst', {
  request: { top: u32 },
  reply: object<{ airport: string; delayMin: number }[]>(),
})
const Order = message('orders', { side: oneOf('buy', 'sell') })

declare const engine: Engine
const flight = { date: 1, delayMin: 2, origin: 'ORD' }

describe('loans and leases', () => {
  test('a handler that asks for a lease gets one, else the bytes', () => {
    void engine.subscribe(Frame, (lease) => expectTypeOf(lease).toEqualTypeOf<Lease>(), {
      lease: true,
    })
    void engine.subscribe('frames.*', (lease) => expectTypeOf(lease).toEqualTypeOf<Lease>(), {
      lease: true,
    })
    void engine.subscribe(Frame, (bytes) => expectTypeOf(bytes).toEqualTypeOf<Uint8Array>())
    // @ts-expect-error a lease is of raw bytes
    void engine.subscribe(Flight, (_lease: Lease) => {}, { lease: true })
  })

  test('a loan is published as raw bytes', () => {
    expectTypeOf(engine.loan(1)).toEqualTypeOf<Loan>()
    expectTypeOf(engine.publishLoan(Frame, engine.loan(1))).toEqualTypeOf<boolean>()
    expectTypeOf(engine.publishLoan('frames', engine.loan(1))).toEqualTypeOf<boolean>()
    // @ts-expect-error it holds no struct
    engine.publishLoan(Flight, engine.loan(1))
  })
})

describe('priority and ttlMs', () => {
  test('belong to what is published; a request has its timeout instead', () => {
    const options = { priority: 'critical', ttlMs: 5 } as const
    expectTypeOf(engine.publish(Flight, flight, options)).toEqualTypeOf<boolean>()
    expectTypeOf(engine.tryPublish('a', 1, options)).toEqualTypeOf<Outcome>()
    void engine.request(Worst, { top: 1 }, { priority: 'batch' })
    // @ts-expect-error not a priority
    engine.publish(Flight, flight, { priority: 'urgent' })
    // @ts-expect-error a request knows timeoutMs
    void engine.request(Worst, { top: 1 }, { ttlMs: 5 })
    expectTypeOf<MessageInfo['priority']>().toEqualTypeOf<Priority>()
  })
})

describe('publish', () => {
  test('takes exactly the fields of the message', () => {
    expectTypeOf(engine.publish(Flight, flight)).toEqualTypeOf<boolean>()
    // @ts-expect-error a field is missing
    engine.publish(Flight, { date: 1, delayMin: 2 })
    // @ts-expect-error a field has the wrong type
    engine.publish(Flight, { ...flight, origin: 7 })
    // @ts-expect-error a field too many
    engine.publish(Flight, { date: 1, delayMin: 2, origin: 'ORD', extra: 1 })
    // @ts-expect-error not one of the options
    engine.publish(Order, { side: 'hold' })
    // @ts-expect-error the message needs a value
    engine.publish(Flight)
    engine.publish(Note, { text: 'x' })
    // @ts-expect-error declared as { text: string }
    engine.publish(Note, { text: 1 })
    engine.publish(Frame, new Uint8Array(1))
    // @ts-expect-error raw takes bytes
    engine.publish(Frame, 'text')
    engine.publish('bare.subject', { anything: [1] })
    engine.publish('bare.subject')
  })

  test('by position takes each field of the message once, in the order of the names', () => {
    const depart = engine.publisher(Flight, ['origin', 'date', 'delayMin'])
    expectTypeOf(depart).toEqualTypeOf<
      (origin: string, date: number, delayMin: number) => boolean
    >()
    expectTypeOf(engine.publisher(Order, ['side'])).parameters.toEqualTypeOf<['buy' | 'sell']>()
    // @ts-expect-error in the wrong order
    depart(1, 2, 'ORD')
    // @ts-expect-error a value is missing
    depart('ORD', 1)
    // @ts-expect-error a field is missing
    engine.publisher(Flight, ['origin', 'date'])
    // @ts-expect-error no such field
    engine.publisher(Flight, ['origin', 'date', 'delayMin', 'extra'])
  })

  test('has siblings of the same shape', () => {
    expectTypeOf(engine.tryPublish(Flight, flight)).toEqualTypeOf<Outcome>()
    expectTypeOf(engine.send(Flight, flight)).toEqualTypeOf<Promise<void>>()
    expectTypeOf(engine.drained(Flight)).toEqualTypeOf<Promise<void>>()
    // @ts-expect-error a field is missing
    engine.tryPublish(Flight, { date: 1 })
    // @ts-expect-error a field is missing
    void engine.send(Flight, { date: 1 })
  })
})

describe('subscribe', () => {
  test('gives the handler the payload type and the info', () => {
    void engine.subscribe(Flight, (value, info) => {
      expectTypeOf(value).toEqualTypeOf<{ date: number; delayMin: number; origin: string }>()
      expectTypeOf(info).toEqualTypeOf<MessageInfo>()
    })
    void engine.subscribe(Order, ({ side }) => expectTypeOf(side).toEqualTypeOf<'buy' | 'sell'>())
    void engine.subscribe('flights.*', (value: { any: string }) => value.any)
  })

  test('without a handler iterates the payload type', async () => {
    for await (const { value, subject } of await engine.subscribe(Flight)) {
      expectTypeOf(value.origin).toEqualTypeOf<string>()
      expectTypeOf(subject).toEqualTypeOf<string>()
    }
  })
})

describe('request', () => {
  test('follows the rpc in both directions', async () => {
    const worst = await engine.request(Worst, { top: 3 })
    expectTypeOf(worst).toEqualTypeOf<{ airport: string; delayMin: number }[]>()
    // @ts-expect-error the request has another field
    await engine.request(Worst, { bottom: 3 })
    const each = await engine.requestEach(Worst, [{ top: 3 }], { timeoutMs: 5 })
    expectTypeOf(each).toEqualTypeOf<{ airport: string; delayMin: number }[][]>()
    // @ts-expect-error the request has another field
    await engine.requestEach(Worst, [{ bottom: 3 }])
    expectTypeOf(await engine.requestEach('bare', [1])).toEqualTypeOf<unknown[]>()
    expectTypeOf(await engine.request('bare')).toEqualTypeOf<unknown>()
    expectTypeOf(await engine.request<number>('bare', 1)).toEqualTypeOf<number>()
  })

  test('binds the handler to the reply type', () => {
    void engine.handle(Worst, ({ top }) => [{ airport: 'ORD', delayMin: top }])
    void engine.handle(Worst, async () => [])
    // @ts-expect-error the reply has another type
    void engine.handle(Worst, ({ top }) => top)
  })
})

describe('joining', () => {
  test('handle is one name for two things, told apart by their arguments', async () => {
    expectTypeOf(engine.handle()).toEqualTypeOf<JoinHandle>()
    expectTypeOf(engine.handle(Worst, () => [])).toEqualTypeOf<Promise<SubscriptionHandle>>()
    const bus = await join(engine.handle())
    expectTypeOf(bus).toEqualTypeOf<JoinedBus>()
    expectTypeOf(bus.publish(Flight, flight)).toEqualTypeOf<boolean>()
    expectTypeOf(bus.flushSync({ timeoutMs: 5 })).toEqualTypeOf<number>()
    // @ts-expect-error no joined thread makes handles
    bus.handle()
    // @ts-expect-error not a handle
    void join(engine)
  })
})

describe('a channel', () => {
  test('carries its type to both ends', async () => {
    const flights = channel(Flight)
    const out = openSender(flights)
    expectTypeOf(out.offer(flight)).toEqualTypeOf<OfferOutcome>()
    expectTypeOf(out.send(flight)).toEqualTypeOf<Promise<void>>()
    // @ts-expect-error a field is missing
    out.offer({ date: 1 })
    const listener = openReceiver(flights, ({ origin }) => {
      expectTypeOf(origin).toEqualTypeOf<string>()
    })
    // @ts-expect-error a handler takes everything already
    listener.poll(() => {})
    for await (const { delayMin } of openReceiver(flights)) {
      expectTypeOf(delayMin).toEqualTypeOf<number>()
    }
    expectTypeOf(openReceiver(channel(Frame)).poll((bytes) => bytes.length)).toEqualTypeOf<number>()
    // @ts-expect-error a subject is no message
    channel('flights')
    // @ts-expect-error misspelt
    channel(Flight, { bytes: 1024 })
  })
})

describe('defineAgent', () => {
  interface Totals {
    total: number
  }

  test('types values, replies and state', () => {
    defineAgent({
      name: 'totals',
      state: (): Totals => ({ total: 0 }),
      subscribe: [
        on(Flight, (value, info, { state }: AgentContext<Totals>) => {
          expectTypeOf(value.delayMin).toEqualTypeOf<number>()
          expectTypeOf(info.subject).toEqualTypeOf<string>()
          state.total += value.delayMin
        }),
      ],
      handle: [on(Worst, ({ top }) => [{ airport: 'x', delayMin: top }])],
      onStart: (context) => expectTypeOf(context.state).toEqualTypeOf<Totals>(),
    })
    // @ts-expect-error the reply has another type
    on(Worst, () => 'nothing')
    defineAgent({
      name: 'mismatch',
      state: () => ({ total: 0 }),
      // @ts-expect-error the handler wants another state than the agent has
      subscribe: [on(Flight, (_, __, context: AgentContext<{ other: string }>) => context.name)],
    })
    // @ts-expect-error no such hook
    defineAgent({ name: 'x', onBegin: () => {} })
  })

  test('createEngine takes known options only', () => {
    // @ts-expect-error misspelt
    void createEngine({ thread: 2 })
    expectTypeOf(createEngine({ threads: 2 })).toEqualTypeOf<Promise<Engine>>()
  })
})

describe('stats', () => {
  test('are plain figures with names', () => {
    const { threads, links, atMs } = engine.stats()
    expectTypeOf(engine.stats()).toEqualTypeOf<EngineStats>()
    expectTypeOf(threads).toEqualTypeOf<readonly ThreadStats[]>()
    expectTypeOf(links).toEqualTypeOf<readonly LinkStats[]>()
    expectTypeOf(atMs).toEqualTypeOf<number>()
    expectTypeOf<ThreadStats['state']>().toEqualTypeOf<'running' | 'sleeping' | 'dead' | 'closed'>()
    expectTypeOf<ThreadStats['handling']>().toEqualTypeOf<string | null>()
    expectTypeOf<LinkStats['lane']>().toEqualTypeOf<'urgent' | 'bulk'>()
    // @ts-expect-error a snapshot is nobody's to change
    engine.stats().atMs = 1
  })

  test('have events beside them, told apart by `what`', () => {
    const full = {} as DiagnosticEvents['full']
    if (full.what === 'link') expectTypeOf(full.to).toEqualTypeOf<number>()
    else expectTypeOf(full.subject).toEqualTypeOf<string>()
    expectTypeOf<keyof DiagnosticEvents>().toEqualTypeOf<
      'attach' | 'close' | 'dead' | 'deadLetter' | 'full' | 'forgotten' | 'almostFull' | 'slow'
    >()
  })
})

describe('dead letters', () => {
  test('say what they are, and leave the value to whoever knows it', async () => {
    const { deadLetters } = engine
    const [first] = await deadLetters.list({ subject: 'a.>', reason: 'expired', limit: 3 })
    expectTypeOf(first).toEqualTypeOf<LetterSummary | undefined>()
    const letter = await deadLetters.peek(1)
    expectTypeOf(letter.value).toEqualTypeOf<unknown>()
    expectTypeOf(letter.error).toEqualTypeOf<FlyshuttleError | null>()
    expectTypeOf(await deadLetters.replay({})).toEqualTypeOf<ReplayOutcome>()
    expectTypeOf(await deadLetters.purge([1, 2])).toEqualTypeOf<number>()
    // @ts-expect-error not a reason
    void deadLetters.list({ reason: 'because' })
    // @ts-expect-error no filter at all: `{}` stands for every letter
    void deadLetters.purge()
    // @ts-expect-error not a rule
    void createEngine({ deadLetters: { overflow: 'drop' } })
  })
})

test('compression rules name an algorithm that exists', () => {
  expectTypeOf<CompressionOptions['algorithm']>().toEqualTypeOf<'lz4' | 'zstd'>()
  void createEngine({ compression: { 'logs.>': { algorithm: 'lz4', minBytes: 4096 } } })
  // @ts-expect-error no such algorithm
  void createEngine({ compression: { 'logs.>': { algorithm: 'gzip' } } })
})
