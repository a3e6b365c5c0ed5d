// One end of a channel: its place in the region, its bell, and how either end learns that the other
// is gone.
//
// The sender is thread 0 of the region and the receiver thread 1; each has an inbox, in which the
// other raises a bit: for frames, for room, for the end. An end that is over says "dead" in its
// inbox. With the addon that happens also when its thread ends, and the other is rung.

import { createMonotonicClock } from '../base/clock.js'
import { FlyshuttleError } from '../base/errors.js'
import { SPIN_BUDGET_US } from '../base/limits.js'
import { createDoorbell, type Doorbell, type Parkable } from '../link/doorbell.js'
import { LoopMeter } from '../counters/thread-counters.js'
import { Inbox } from '../link/inbox.js'
import { Outbox } from '../link/outbox.js'
import { INBOX_DEAD, Lane, ThreadState, geometryList } from '../memory/layout.js'
import { openRegion, stateOf, type Region } from '../memory/region.js'
import type { NativeBinding } from '../native/binding.js'
import type { CopyBytes } from '../native/copying.js'
import { sharedBinding } from '../native/wanted.js'
import { checkChannel, type ChannelHandle } from './channel.js'

export const SENDER = 0
export const RECEIVER = 1

/** What the two kinds of ends do differently. */
export interface EndEvents {
  /** A frame; valid until this returns. */
  onFrame(offset: number, word0: number): number
  /** After each drain: go on with what waited. */
  onDrained(): void
  /** Drains, on behalf of the event loop; 1 when it should come straight back. Never throws. */
  deliver(inbox: Inbox): number
  /** True while messages are left lying on purpose: they are no reason to stay awake. */
  isPaused(): boolean
  /** It is over, here and now. `error` says what was wrong, or is null. */
  onEnd(error: Error | null): void
}

export class ChannelEnd {
  readonly name: string
  readonly region: Region
  readonly outbox: Outbox
  readonly inbox: Inbox
  /** Resolves when the channel is over; rejects when its memory was overwritten. */
  readonly closed: Promise<void>
  isOver = false
  readonly #self: number
  readonly #other: number
  readonly #bells: Int32Array
  readonly #binding: NativeBinding | null
  readonly #doorbell: Doorbell
  readonly #events: EndEvents
  #settle!: (error: Error | null) => void

  /** @throws ERR_CHANNEL_TAKEN when this end is open already, or was */
  constructor(handle: ChannelHandle<any>, self: number, events: EndEvents) {
    const { bells, hasAddon, spinUs, cores, name } = checkChannel(handle)
    const region = openRegion(handle.memory)
    const { layout, views } = region
    this.name = name
    this.region = region
    this.#self = self
    this.#other = 1 - self
    this.#bells = bells
    this.#events = events
    this.#binding = sharedBinding(hasAddon)
    const stateIndex = (layout.inbox(self) + INBOX_DEAD) >>> 2
    const { Vacant, Alive } = ThreadState
    if (Atomics.compareExchange(views.i32, stateIndex, Vacant, Alive) !== Vacant) {
      const end = self === SENDER ? 'sender' : 'receiver'
      throw new FlyshuttleError('ERR_CHANNEL_TAKEN', { subject: name, found: end })
    }
    this.closed = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === null ? resolve() : reject(error))
    })
    this.outbox = new Outbox(region, self)
    const clock = createMonotonicClock()
    this.inbox = new Inbox(region, self, clock, {
      onFrame: (offset, word0) => events.onFrame(offset, word0),
      onRoom: () => this.#wakeOther(),
      onDeaths: () => undefined,
      onCorrupt: (_, found) => this.#onCorrupt(found),
      onDrained: () => this.#onDrained(),
    })
    this.inbox.open(1)
    const deliver = (): number => events.deliver(this.inbox)
    const binding = this.#binding
    try {
      if (binding !== null) Atomics.store(bells, self, binding.createBell())
      this.#doorbell = createDoorbell(
        {
          binding,
          region: views.bytes,
          geometry: geometryList(layout),
          bells,
          thread: self,
          spinUs,
          spinBudgetUs: spinUs === 0 ? 0 : Math.max(spinUs, SPIN_BUDGET_US),
          cores,
        },
        this.#parkable(),
        new LoopMeter(region, self, clock),
        deliver,
      )
    } catch (error) {
      Atomics.store(views.i32, stateIndex, ThreadState.Dead)
      throw error
    }
    this.outbox.attach(this.#doorbell)
    this.#doorbell.unref()
  }

  /** The addon's, or null without. */
  get copyBytes(): CopyBytes | null {
    return this.#binding?.copyBytes ?? null
  }

  /** Whether the other end has closed, or its thread has ended. False before it was opened. */
  get isOtherGone(): boolean {
    // SYNC channel-end: pairs with channel-end in close(). What was flushed before shows from here.
    return stateOf(this.region, this.#other) === ThreadState.Dead
  }

  /** Keeps the process alive, or lets it go. */
  hold(isHeld: boolean): void {
    if (this.isOver) return
    if (isHeld) this.#doorbell.ref()
    else this.#doorbell.unref()
  }

  /** Ends the channel. What was sent is flushed first, and the other end hears of it. */
  close(error: Error | null = null): void {
    if (this.isOver) return
    this.outbox.flushAll()
    this.isOver = true
    const { views, layout } = this.region
    // SYNC channel-end: pairs with channel-end in isOtherGone. The tail moved before.
    Atomics.store(views.i32, (layout.inbox(this.#self) + INBOX_DEAD) >>> 2, ThreadState.Dead)
    this.#wakeOther()
    this.#doorbell.close()
    this.#closeBell(this.#self)
    // Whoever is gone without a word has left his bell.
    if (this.isOtherGone) this.#closeBell(this.#other)
    this.#settle(error)
    this.#events.onEnd(error)
  }

  #onDrained(): void {
    if (this.isOver) return
    this.#events.onDrained()
    if (this.isOtherGone && !this.inbox.hasFrames) this.close()
    else this.outbox.flushAll()
  }

  #onCorrupt(found: string): void {
    const data = { thread: `(the sender of ${this.name})`, found, wanted: 'a frame of the channel' }
    this.close(new FlyshuttleError('ERR_FRAME_CORRUPT', data))
  }

  #wakeOther(): void {
    this.outbox.wake(this.outbox.link(this.#other, Lane.Urgent))
  }

  #closeBell(end: number): void {
    const bell = Atomics.exchange(this.#bells, end, -1)
    if (bell >= 0) this.#binding?.closeBell(bell)
  }

  /** What the portable doorbell asks before it sleeps. */
  #parkable(): Parkable {
    const { inbox } = this
    const { i32 } = inbox
    const sleepingIndex = inbox.sleepingIndexOf(inbox.thread)
    return {
      i32,
      thread: inbox.thread,
      sleepingIndexOf: (thread) => inbox.sleepingIndexOf(thread),
      unpark: () => inbox.unpark(),
      recheck: () => inbox.recheck(),
      tryPark: () => {
        if (!this.#events.isPaused()) return inbox.tryPark()
        // SYNC sleep-check: pairs with sleep-check in Outbox.wake. Messages may lie there; whether
        // the other end has gone meanwhile is all that counts.
        Atomics.store(i32, sleepingIndex, 1)
        return !this.isOtherGone || inbox.hasFrames
      },
    }
  }
}
