// Taps: who watches a sample of what is published, without being a receiver.
//
// A tap is no part of a route's receivers: nothing waits for it, no order and no room is kept for
// it, and senders that know of none pay nothing. Which messages it sees is counted here, by each
// sending thread for itself, so that a sample of 0.01 is the first and then every hundredth.

import { invalid } from '../base/checks.js'
import type { LinkWriter } from '../link/outbox.js'
import type { Subscription } from './change-log.js'
import { subjectMatches } from './subject.js'

/** Sums of a sample fall short of a whole number by less. */
const ROUNDING = 1e-9

export class Tap {
  /** As the frame names it. */
  readonly subscription: Subscription
  readonly link: LinkWriter
  /** Word index of its shared row. */
  readonly row: number
  readonly #sample: number
  /** How much of a message it has been passed over for. */
  #owed: number

  constructor(subscription: Subscription, link: LinkWriter, row: number, sample: number) {
    this.subscription = subscription
    this.link = link
    this.row = row
    this.#sample = sample
    this.#owed = 1 - sample
  }

  /** Whether it sees the next message. */
  get isNext(): boolean {
    return this.#owed + this.#sample > 1 - ROUNDING
  }

  /** Counts a message; true when it is one to be seen. */
  take(): boolean {
    const { isNext } = this
    this.#owed += isNext ? this.#sample - 1 : this.#sample
    return isNext
  }
}

export const NO_TAPS: readonly Tap[] = []

/** Whether a subscription is a tap; they alone have a sample. */
export function isTap({ rules }: Subscription): boolean {
  return rules?.sample !== undefined
}

/** All taps that a thread knows of: few, so they are looked at one by one. */
export class Taps {
  readonly #all = new Map<number, Tap>()

  add(subscription: Subscription, link: LinkWriter, row: number): void {
    const sample = subscription.rules?.sample ?? 1
    this.#all.set(subscription.id, new Tap(subscription, link, row, sample))
  }

  remove({ id }: Subscription): void {
    this.#all.delete(id)
  }

  of(subject: string): readonly Tap[] {
    if (this.#all.size === 0) return NO_TAPS
    return [...this.#all.values()].filter((tap) =>
      subjectMatches(tap.subscription.pattern, subject),
    )
  }
}

/** @throws ERR_OPTION_INVALID */
export function checkSample(sample: unknown): number {
  if (typeof sample === 'number' && sample > 0 && sample <= 1) return sample
  throw invalid('sample', sample, 'a number above 0, at most 1')
}
