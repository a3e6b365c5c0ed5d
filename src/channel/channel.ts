// A bare ring between two threads, for those who want that and nothing else: no engine, no
// subjects, no registry. `channel()` makes the memory; one thread opens the sender, another the
// receiver.
//
// It is one link of an engine without the engine: the same ring, batches, bells and rules, in a
// region for two threads. Both directions take two channels.

import { checkAddon, checkCount, checkKeys } from '../base/checks.js'
import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import {
  BULK_RING_BYTES_MAX_AUTO,
  CHANNEL_DICTIONARY_BYTES,
  RING_BYTES_MIN,
  SPIN_US,
} from '../base/limits.js'
import { checkMessage, type Message } from '../codec/message.js'
import { planGeometry } from '../memory/layout.js'
import { createRegion } from '../memory/region.js'
import { bindingFor } from '../native/wanted.js'
import { usableCores } from '../placement/cgroup.js'

/** Moves when two versions of the package cannot share a channel. */
const CHANNEL_VERSION = 1

export interface ChannelOptions {
  /** Bytes of the ring, a power of two; a message takes a quarter at most. Default 512 KiB. */
  readonly ringBytes?: number
  /** 'auto' uses the native addon when it is there; true throws without it. Default 'auto'. */
  readonly addon?: boolean | 'auto'
  /** How long an end looks for more before its thread sleeps, µs. 0 never spins. Default 50. */
  readonly spinUs?: number
}

/**
 * Both ends of a channel, to be opened: plain data for `workerData` or `postMessage`. Its parts are
 * nobody's business.
 */
export interface ChannelHandle<T> {
  readonly flyshuttle: 'channel'
  readonly version: number
  readonly memory: SharedArrayBuffer
  /** Each end enters its own bell before it sleeps for the first time; -1 for none. */
  readonly bells: Int32Array
  readonly hasAddon: boolean
  readonly spinUs: number
  readonly cores: number
  /** What errors call the channel. */
  readonly name: string
  readonly codec: CodecId
  /** The schema of a struct, from which the other thread compiles its codec; else ''. */
  readonly canonical: string
  /** For the compiler only. */
  readonly value?: T
}

/**
 * Makes a channel for messages of one type. Open it with `openSender` in one thread and
 * `openReceiver` in another.
 *
 * @throws ERR_OPTION_INVALID, ERR_ADDON_MISSING if `addon: true`
 * @example
 * const Tick = message('ticks', { id: u32, price: f64 })
 * const ticks = channel(Tick)
 * new Worker(file, { workerData: { ticks } })
 * const out = openSender(ticks)
 * out.offer({ id: 1, price: 9.5 })
 */
export function channel<T>(message: Message<T>, options: ChannelOptions = {}): ChannelHandle<T> {
  if (typeof message !== 'object' || message === null) {
    const data = { option: 'message', found: describe(message), wanted: 'a message' }
    throw new FlyshuttleError('ERR_OPTION_INVALID', data)
  }
  const { subject, codec, struct } = checkMessage(message)
  checkKeys('channel', options, ['ringBytes', 'addon', 'spinUs'])
  checkAddon(options.addon === undefined ? 'auto' : options.addon)
  const { addon = 'auto', ringBytes = BULK_RING_BYTES_MAX_AUTO } = options
  const { binding } = bindingFor(addon)
  const region = createRegion(
    planGeometry(2, {
      bulkRingBytes: ringBytes,
      urgentRingBytes: RING_BYTES_MIN,
      dictionaryBytes: CHANNEL_DICTIONARY_BYTES,
      // There is no registry.
      changeLogBytes: 0,
      queueBytes: 0,
      chunkBytes: 0,
      subscriptions: 0,
    }),
  )
  return Object.freeze({
    flyshuttle: 'channel',
    version: CHANNEL_VERSION,
    memory: region.memory,
    bells: new Int32Array(new SharedArrayBuffer(8)).fill(-1),
    hasAddon: binding !== null,
    spinUs: checkCount('spinUs', options.spinUs ?? SPIN_US, 0, 1_000_000),
    cores: usableCores(),
    name: subject,
    codec,
    canonical: struct?.canonical ?? '',
  })
}

/** @throws ERR_HANDLE_INVALID, ERR_LAYOUT_MISMATCH for a handle of another version */
export function checkChannel<T>(handle: ChannelHandle<T>): ChannelHandle<T> {
  if (handle?.flyshuttle !== 'channel' || !(handle.memory instanceof SharedArrayBuffer)) {
    const wanted = 'what channel() returned, such as workerData.ticks'
    throw new FlyshuttleError('ERR_HANDLE_INVALID', { found: describe(handle), wanted })
  }
  if (handle.version !== CHANNEL_VERSION) {
    const data = { field: 'channel version', found: handle.version, wanted: CHANNEL_VERSION }
    throw new FlyshuttleError('ERR_LAYOUT_MISMATCH', data)
  }
  return handle
}
