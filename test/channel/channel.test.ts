// A bare ring between two threads, with and without the addon.

import {
  channel,
  f64,
  message,
  openReceiver,
  openSender,
  raw,
  u32,
  type ChannelHandle,
  type ChannelOptions,
} from 'flyshuttle'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { VARIANTS, until } from '../engine/with-engine.js'

const Tick = message('ticks', { id: u32, price: f64 })
const Note = message<{ text: string; n?: number }>('notes')
const Bytes = message('bytes', raw)
const tick = (id: number) => ({ id, price: id / 4 })

describe.each(VARIANTS)('a channel ($name)', ({ addon }) => {
  const make = (options: ChannelOptions = {}): ChannelHandle<{ id: number; price: number }> =>
    channel(Tick, { addon, ...options })

  /** Its messages come one after the other. */
  function workerWith(role: string, data: object): { worker: Worker; next(): Promise<any> } {
    const file = new URL('../fixtures/joiners/ends.mjs', import.meta.url)
    const worker = new Worker(file, { workerData: { role, ...data } })
    onTestFinished(async () => void (await worker.terminate()))
    const said: any[] = []
    worker.on('message', (value) => said.push(value))
    worker.on('error', (error) => said.push(error))
    return {
      worker,
      next: async () => {
        if (said.length === 0) await Promise.race([once(worker, 'message'), once(worker, 'exit')])
        const [first] = said.splice(0, 1)
        if (first instanceof Error) throw first
        return first
      },
    }
  }

  test.each(['hears', 'iterates'])(
    'a thread that %s gets all, in order, to the end',
    async (role) => {
      const ticks = make({ ringBytes: 4096 })
      const { next } = workerWith(role, { channel: ticks })
      expect(await next()).toBe('open')
      const out = openSender(ticks)
      for (let id = 0; id < 3000; id++) await out.send(tick(id))
      out.close()
      await out.closed
      expect(await next()).toEqual(Array.from({ length: 3000 }, (_, id) => tick(id)))
    },
  )

  test('a million messages sent by offer arrive whole, in order, once', async () => {
    const ticks = make()
    const { next } = workerWith('sums', { channel: ticks })
    expect(await next()).toBe('open')
    const out = openSender(ticks)
    for (let id = 0; id < 1_000_000; id++) {
      if (out.offer(tick(id)) !== 'accepted') await out.send(tick(id))
    }
    out.close()
    expect(await next()).toBe(1_000_000)
  })

  test('a receiver that polls takes what is there, as many as it likes', async () => {
    const ticks = make({ ringBytes: 4096 })
    workerWith('sends', { channel: ticks, count: 5000 })
    const heard: number[] = []
    const receiver = openReceiver(ticks)
    await until(() => {
      const before = heard.length
      const count = receiver.poll(({ id }) => heard.push(id), 7)
      expect(count).toBeLessThanOrEqual(7)
      expect(heard.length - before).toBe(count)
      return receiver.isClosed
    })
    expect(heard).toEqual(Array.from({ length: 5000 }, (_, id) => id))
    expect(receiver.poll(() => heard.push(-1))).toBe(0)
    await receiver.closed
  })

  test('plain values and bytes cross as they do on an engine', async () => {
    const notes = channel(Note, { addon })
    const bytes = channel(Bytes, { addon })
    const [out, raws] = [openSender(notes), openSender(bytes)]
    const heard: unknown[] = []
    const receivers = [openReceiver(notes), openReceiver(bytes)] as const
    for (let n = 0; n < 5; n++) out.offer({ text: 'x'.repeat(n), n })
    out.offer({ text: 'another shape' })
    raws.offer(new Uint8Array([1, 2, 3]))
    out.flush()
    raws.flush()
    receivers[0].poll((value) => heard.push(value))
    receivers[1].poll((value) => heard.push([...value]))
    expect(heard).toEqual([
      ...Array.from({ length: 5 }, (_, n) => ({ text: 'x'.repeat(n), n })),
      { text: 'another shape' },
      [1, 2, 3],
    ])
    out.close()
    raws.close()
    await Promise.all(receivers.map(({ closed }) => closed))
  })

  test('bytes of any size cross as they were when they were offered', () => {
    const bytes = channel(Bytes, { addon })
    const [out, receiver] = [openSender(bytes), openReceiver(bytes)]
    const sent = [0, 1, 511, 512, 2047, 2048, 9999].map((length, nth) =>
      new Uint8Array(length).fill(nth),
    )
    for (const value of sent) {
      const whole = new Uint8Array(value.length + 2)
      whole.set(value, 1)
      expect(out.offer(whole.subarray(1, -1))).toBe('accepted')
      whole.fill(0xee)
    }
    out.flush()
    const heard: Uint8Array[] = []
    receiver.poll((value) => heard.push(value))
    expect(heard).toEqual(sent)
    receiver.close()
    out.close()
  })

  test('a full ring says so, and what waits in send goes first', async () => {
    const ticks = make({ ringBytes: 1024 })
    const out = openSender(ticks)
    let accepted = 0
    while (out.offer(tick(accepted)) === 'accepted') accepted++
    expect(accepted).toBe(1024 / 32)
    const sent = out.send(tick(accepted))
    const receiver = openReceiver(ticks)
    const heard: number[] = []
    expect(receiver.poll(({ id }) => heard.push(id), 10)).toBe(10)
    expect(out.offer(tick(99))).toBe('full')
    expect(receiver.poll(({ id }) => heard.push(id))).toBe(accepted - 10)
    await sent
    expect(out.offer(tick(accepted + 1))).toBe('accepted')
    out.close()
    while (receiver.poll(({ id }) => heard.push(id)) > 0) continue
    expect(heard).toEqual(Array.from({ length: accepted + 2 }, (_, id) => id))
    expect(receiver.isClosed).toBe(true)
  })

  test('a receiver that closes is seen by offer, by send and by closed', async () => {
    const ticks = make({ ringBytes: 1024 })
    const out = openSender(ticks)
    while (out.offer(tick(1)) === 'accepted') continue
    const waiting = expect(out.send(tick(2))).rejects.toMatchObject({ code: 'ERR_CHANNEL_CLOSED' })
    openReceiver(ticks).close()
    expect(out.offer(tick(3))).toBe('closed')
    await waiting
    await out.closed
    expect(out.isClosed).toBe(true)
    await expect(out.send(tick(4))).rejects.toMatchObject({ code: 'ERR_CHANNEL_CLOSED' })
  })

  test('leaving an iteration closes the channel', async () => {
    const ticks = make()
    const out = openSender(ticks)
    out.offer(tick(0))
    out.offer(tick(1))
    for await (const { id } of openReceiver(ticks)) {
      expect(id).toBe(0)
      break
    }
    await out.closed
    expect(out.offer(tick(2))).toBe('closed')
  })

  const noHook = addon ? '' : ' (skipped: without the addon nothing tells of it)'
  // Without the addon nothing tells of a death; the name says so.
  test.skipIf(!addon)(`a thread that dies ends its channel, at either end${noHook}`, async () => {
    const down = make()
    const up = make()
    const sits = workerWith('sits', { channel: down })
    await sits.next()
    const out = openSender(down)
    const floods = workerWith('floods', { channel: up })
    let last = -1
    let disorder = 0
    const { closed } = openReceiver(up, ({ id }) => {
      if (id !== last + 1) disorder++
      last = id
    })
    await until(() => last > 1000)
    await Promise.all([sits.worker.terminate(), floods.worker.terminate()])
    await Promise.all([out.closed, closed])
    expect(disorder).toBe(0)
  })

  test('each end is opened once', () => {
    const ticks = make()
    const out = openSender(ticks)
    const taken = expect.objectContaining({ code: 'ERR_CHANNEL_TAKEN' })
    expect(() => openSender(ticks)).toThrow(taken)
    const receiver = openReceiver(ticks)
    receiver.close()
    expect(() => openReceiver(ticks)).toThrow(taken)
    out.close()
  })

  test('what does not fit is refused, and the next message goes its way', () => {
    const notes = channel(Note, { addon, ringBytes: 1024 })
    const out = openSender(notes)
    const code = (value: unknown): unknown => {
      try {
        return out.offer(value as never)
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(code({ text: 'x'.repeat(300) })).toBe('ERR_MESSAGE_TOO_LARGE')
    expect(code({ text: () => 1 })).toBe('ERR_PAYLOAD_UNSUPPORTED')
    expect(code({ text: 'fits' })).toBe('accepted')
    const ticks = openSender(make())
    expect(() => ticks.offer({ id: -1, price: 0 })).toThrow(
      expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
    )
    const bytes = openSender(channel(Bytes, { addon }))
    expect(() => bytes.offer('text' as never)).toThrow(
      expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
    )
    for (const end of [out, ticks, bytes]) end.close()
  })

  test('a getter that sends while its value is written waits its turn', async () => {
    const ticks = make()
    const out = openSender(ticks)
    let nested: unknown
    let sent: Promise<void> | undefined
    const value = {
      get id() {
        nested = out.offer(tick(7))
        sent = out.send(tick(8))
        return 1
      },
      price: 1,
    }
    expect(out.offer(value)).toBe('accepted')
    expect(nested).toBe('full')
    await sent
    const heard: number[] = []
    out.close()
    openReceiver(ticks).poll(({ id }) => heard.push(id))
    expect(heard).toEqual([1, 8])
  })

  test('wrong use is refused with the reason', () => {
    const ticks = make()
    const polled = openReceiver(make())
    const invalid = { code: 'ERR_OPTION_INVALID' }
    const wrong: [() => unknown, object][] = [
      [() => channel('ticks' as never), invalid],
      [() => channel(Tick, { ringBytes: 1000 }), invalid],
      [() => channel(Tick, { spinUs: -1 }), invalid],
      [() => channel(Tick, { bytes: 1024 } as never), invalid],
      [() => channel(Tick, { addon: 'yes' as never }), invalid],
      [() => openReceiver(ticks, 'handler' as never), invalid],
      [() => polled.poll(undefined as never), invalid],
      [() => polled.poll(() => 1, -1), invalid],
      [() => polled.poll(() => 1, 'all' as never), invalid],
      [() => openSender(undefined as never), { code: 'ERR_HANDLE_INVALID' }],
      [() => openSender({ ...ticks, version: 9 }), { code: 'ERR_LAYOUT_MISMATCH' }],
      [
        () => openSender({ ...ticks, memory: new SharedArrayBuffer(8192) }),
        { code: 'ERR_LAYOUT_MISMATCH' },
      ],
    ]
    for (const [call, error] of wrong) {
      expect(call, String(call)).toThrow(expect.objectContaining(error))
    }
    const listener = openReceiver(ticks, () => undefined) as never as { poll(f: unknown): unknown }
    expect(() => listener.poll(() => 1)).toThrow(expect.objectContaining(invalid))
    ;(listener as never as { close(): void }).close()
    polled.close()
  })
})
