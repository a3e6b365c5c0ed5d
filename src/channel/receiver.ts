// The receiving end of a channel: messages are handed to a handler as they come, iterated over, or
// polled by hand.
//
// Only a handler takes messages from the ring unasked. Otherwise they lie there until somebody
// asks, and a full ring holds the sender back.

import { invalid } from '../base/checks.js'
import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError } from '../base/errors.js'
import { Fifo } from '../base/fifo.js'
import { CHANNEL_PREFETCH, DRAIN_FRAMES_MAX, FRAME_HEADER_BYTES } from '../base/limits.js'
import { MsgpackDecoder } from '../codec/msgpack.js'
import { structFromCanonical } from '../codec/struct.js'
import type { Inbox } from '../link/inbox.js'
import { DictionaryReader } from '../memory/dictionary.js'
import { copyOut } from '../native/copying.js'
import { FRAME_LENGTH_MASK } from '../ring/frame.js'
import type { ChannelHandle } from './channel.js'
import { ChannelEnd, RECEIVER, SENDER } from './end.js'

/** The receiving end of a channel with a handler. Made by `openReceiver`. */
export interface ChannelListener {
  /** The channel is over, and every message of it has been handed over. */
  readonly isClosed: boolean
  /** Resolves then. */
  readonly closed: Promise<void>
  /** Ends the channel. What has not been handed over is dropped; the sender hears of it. */
  close(): void
  [Symbol.dispose](): void
}

/** The receiving end of a channel, to be iterated or polled. Made by `openReceiver`. */
export interface ChannelReceiver<T> extends ChannelListener {
  /**
   * Hands over up to `limit` (default 1024) messages that are there, at once; returns how many.
   *
   * @throws ERR_OPTION_INVALID
   */
  poll(handler: (value: T) => void, limit?: number): number
  /** One message at a time, until the channel is over. Leaving the loop closes the channel. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined>
}

/**
 * Opens the receiving end of a channel, once, in the thread that receives.
 *
 * With a handler it is called for each message, from the event loop, and the thread stays alive
 * until the channel is over; what it throws is an uncaught exception, and what it returns is not
 * waited for. Without, iterate over the result, which waits, or `poll` it, which never does.
 *
 * @throws ERR_CHANNEL_TAKEN when it was opened before, ERR_HANDLE_INVALID, ERR_LAYOUT_MISMATCH,
 * ERR_ADDON_MISSING
 * @example
 * openReceiver(ticks, (tick) => book.update(tick))
 * for await (const tick of openReceiver(ticks)) book.update(tick)
 */
export function openReceiver<T>(
  handle: ChannelHandle<T>,
  handler: (value: T) => void,
): ChannelListener
export function openReceiver<T>(handle: ChannelHandle<T>): ChannelReceiver<T>
export function openReceiver<T>(
  handle: ChannelHandle<T>,
  handler?: (value: T) => void,
): ChannelReceiver<T> {
  if (handler !== undefined) assertHandler(handler)
  return new Receiver<T>(handle, handler ?? null)
}

type Result<T> = IteratorResult<T, undefined>

interface Asking<T> {
  readonly resolve: (result: Result<T>) => void
  readonly reject: (error: unknown) => void
}

class Receiver<T> implements ChannelReceiver<T> {
  readonly #end: ChannelEnd
  readonly #decode: (offset: number, lengthBytes: number) => unknown
  readonly #handler: ((value: T) => void) | null
  /** Where the messages of the drain under way go. */
  #sink: (value: T) => void
  /** Taken for an iteration ahead of its asking. */
  readonly #taken = new Fifo<T>()
  readonly #asking = new Fifo<Asking<T>>()
  readonly #take = (value: T): void => this.#taken.push(value)
  #received = 0

  constructor(handle: ChannelHandle<T>, handler: ((value: T) => void) | null) {
    this.#handler = handler
    this.#sink = handler === null ? this.#take : (value) => callSafely(handler, value)
    this.#end = new ChannelEnd(handle, RECEIVER, {
      onFrame: (offset, word0) => this.#onFrame(offset, word0 & FRAME_LENGTH_MASK),
      onDrained: () => undefined,
      deliver: (inbox) => this.#deliver(inbox),
      isPaused: () => handler === null && this.#asking.length === 0,
      onEnd: (error) => this.#onEnd(error),
    })
    this.#decode = decoderOf(handle, this.#end)
    if (handler !== null) this.#end.hold(true)
  }

  get isClosed(): boolean {
    return this.#end.isOver
  }

  get closed(): Promise<void> {
    return this.#end.closed
  }

  poll(handler: (value: T) => void, limit = DRAIN_FRAMES_MAX): number {
    this.#assertAsked('poll')
    assertHandler(handler)
    if (!(limit >= 0)) throw invalid('limit', limit, 'a number from 0')
    const before = this.#received
    this.#sink = handler
    try {
      // A drain ends by the clock, too, with some left over.
      for (let left = limit; left > 0; left = limit - (this.#received - before)) {
        if (this.#end.inbox.drain(left) === 0) break
      }
    } finally {
      this.#sink = this.#take
    }
    return this.#received - before
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    this.#assertAsked('iterate over')
    return {
      next: () => this.#next(),
      return: async () => {
        this.close()
        return { done: true, value: undefined }
      },
    }
  }

  close(): void {
    this.#taken.clear()
    this.#end.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #next(): Promise<Result<T>> {
    if (this.#taken.length === 0 && !this.#end.isOver) this.#end.inbox.drain(CHANNEL_PREFETCH)
    if (this.#taken.length > 0) {
      return Promise.resolve({ done: false, value: this.#taken.shift() as T })
    }
    // The second who asks hears how it ended, too.
    if (this.#end.isOver) return this.closed.then(() => ({ done: true, value: undefined }))
    return new Promise((resolve, reject) => {
      this.#asking.push({ resolve, reject })
      this.#end.hold(true)
    })
  }

  #deliver(inbox: Inbox): number {
    if (this.#handler !== null) return inbox.drain()
    // Nobody asks: the bits are taken, the messages stay.
    inbox.drain(this.#asking.length === 0 ? 0 : CHANNEL_PREFETCH)
    this.#give()
    return 0
  }

  #give(): void {
    if (this.#asking.length === 0) return
    while (this.#taken.length > 0) {
      const asking = this.#asking.shift()
      if (asking === undefined) return this.#end.hold(false)
      asking.resolve({ done: false, value: this.#taken.shift() as T })
    }
    if (this.#asking.length === 0) this.#end.hold(false)
  }

  #onFrame(offset: number, lengthBytes: number): number {
    if (this.#end.isOver) return 0
    this.#received++
    let value: unknown
    try {
      value = this.#decode(offset, lengthBytes)
    } catch (error) {
      this.#end.close(error as Error)
      return 0
    }
    this.#sink(value as T)
    return 0
  }

  #onEnd(error: Error | null): void {
    this.#give()
    for (let asking = this.#asking.shift(); asking; asking = this.#asking.shift()) {
      if (error === null) asking.resolve({ done: true, value: undefined })
      else asking.reject(error)
    }
  }

  #assertAsked(what: string): void {
    if (this.#handler === null) return
    const data = { option: 'handler', found: 'one', wanted: `none, to ${what} the receiver` }
    throw new FlyshuttleError('ERR_OPTION_INVALID', data)
  }
}

/** @throws ERR_OPTION_INVALID */
function assertHandler(handler: unknown): void {
  if (typeof handler !== 'function') throw invalid('handler', handler, 'a function')
}

/** What a handler throws must not end the drain that calls it. */
function callSafely<T>(handler: (value: T) => void, value: T): void {
  try {
    handler(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** A frame's value, by the offset and length of the frame. */
function decoderOf(
  { codec, name, canonical }: ChannelHandle<unknown>,
  { region, copyBytes }: ChannelEnd,
): (offset: number, lengthBytes: number) => unknown {
  const { views } = region
  if (codec === CodecId.Struct) {
    const struct = structFromCanonical(name, canonical)
    const bound = struct.bind(views)
    const wanted = FRAME_HEADER_BYTES + struct.bytes
    return (offset, lengthBytes) => {
      if (lengthBytes !== wanted) throw corrupt(name, lengthBytes, wanted)
      return bound.decode(offset + FRAME_HEADER_BYTES)
    }
  }
  if (codec === CodecId.Raw) {
    return (offset, lengthBytes) =>
      copyOut(copyBytes, views.bytes, offset + FRAME_HEADER_BYTES, offset + lengthBytes)
  }
  const dictionary = new DictionaryReader(region, SENDER)
  const decoder = new MsgpackDecoder({ load: () => dictionary.structures() })
  return (offset, lengthBytes) =>
    decoder.decode(views.buffer, offset + FRAME_HEADER_BYTES, offset + lengthBytes)
}

function corrupt(name: string, found: number, wanted: number): FlyshuttleError {
  const thread = `(the sender of ${name})`
  return new FlyshuttleError('ERR_FRAME_CORRUPT', {
    thread,
    found: `${found} bytes`,
    wanted: `${wanted} bytes`,
  })
}
