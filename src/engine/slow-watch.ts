// Who does not keep up, told once a second on `flyshuttle:slow` for as long as it lasts.
//
// Each thread looks at what it knows best: at its own subscriptions whose mailboxes are full, and
// at the rings out of it that are full. Slow is who was behind at one beat and still is at the
// next. Nothing is done between beats, and nothing at all while nobody listens.

import type { Clock } from '../base/clock.js'
import { hasListeners, ofThread, tell } from '../base/events.js'
import { readLink } from '../counters/snapshot.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import { Lane, ThreadState } from '../memory/layout.js'
import { stateOf, type Region } from '../memory/region.js'
import type { LocalSubscription } from '../routing/target.js'
import { subjectInHand } from './in-hand.js'

export class SlowWatch {
  readonly #region: Region
  readonly #clock: Clock
  readonly #outbox: Outbox
  readonly #subscriptions: ReadonlyMap<number, LocalSubscription>
  /** Rings that were full at the last beat, and since which beat. */
  readonly #fullSinceMs = new Map<LinkWriter, number>()

  /** `subscriptions` are those of this thread, whose outbox it is. */
  constructor(
    region: Region,
    clock: Clock,
    outbox: Outbox,
    subscriptions: ReadonlyMap<number, LocalSubscription>,
  ) {
    this.#region = region
    this.#clock = clock
    this.#outbox = outbox
    this.#subscriptions = subscriptions
  }

  /** To be called once a beat. */
  look(): void {
    if (!hasListeners('slow')) return
    const nowMs = this.#clock.nowMs()
    for (const link of this.#outbox.opened()) this.#lookAtLink(link, nowMs)
    for (const subscription of this.#subscriptions.values()) this.#lookAt(subscription, nowMs)
  }

  #lookAt({ entry, mailbox, name: agent }: LocalSubscription, nowMs: number): void {
    if (!mailbox.isFull) return
    const ms = mailbox.lagMs(nowMs)
    if (ms === 0) return
    const { thread } = this.#outbox
    const messages = mailbox.waiting
    tell('slow', () => {
      const lag = { messages, bytes: this.#bytesFor(thread), ms }
      const of = ofThread(this.#region.engine, thread)
      return { what: 'mailbox', ...of, subject: entry.pattern, agent, lag }
    })
  }

  #lookAtLink(link: LinkWriter, nowMs: number): void {
    const sinceMs = this.#fullSinceMs.get(link)
    if (!this.#isFull(link)) {
      if (sinceMs !== undefined) this.#fullSinceMs.delete(link)
      return
    }
    if (sinceMs === undefined) {
      this.#fullSinceMs.set(link, nowMs)
      return
    }
    const { to: thread, overflowMessages, overflowBytes, ring } = link
    const { frames, bytes } = ring.unread()
    tell('slow', () => ({
      what: 'link',
      ...ofThread(this.#region.engine, thread),
      from: this.#outbox.thread,
      subject: subjectInHand(this.#region, thread),
      lag: {
        messages: frames + overflowMessages,
        bytes: bytes + overflowBytes,
        ms: nowMs - sinceMs,
      },
    }))
  }

  #isFull(link: LinkWriter): boolean {
    if (!link.isFull || link.ring.isCorrupt) return false
    if (stateOf(this.#region, link.to) !== ThreadState.Alive) return false
    try {
      // It may have been read while nothing was sent.
      link.ring.freeBytes()
    } catch {
      // Its reader wrote nonsense; whoever publishes is told.
      return false
    }
    link.noteRoom()
    return link.isFull
  }

  /** What waits for the thread in its rings and at its senders. */
  #bytesFor(thread: number): number {
    let bytes = 0
    for (let from = 0; from < this.#region.layout.threads; from++) {
      const link = readLink(this.#region, from, thread, Lane.Bulk)
      if (link !== null) bytes += link.backlogBytes + link.overflowBytes
    }
    return bytes
  }
}
