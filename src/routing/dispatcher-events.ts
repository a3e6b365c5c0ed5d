// What the dispatcher tells of frames that are not for a subscription, or cannot be.

import type { RequestTicket } from '../agent/info.js'
import type { Incoming } from './incoming.js'
import type { LocalSubscription } from './target.js'

export interface DispatcherEvents {
  /** A reply, or a failed one, to a request of this thread; `decodeReply` has its value. */
  onReply(incarnation: number, counter: number, isFailed: boolean, note: number): void
  /** The same of a reply that has been decoded; `failure` is null, or says why it could not be. */
  onAnswer(
    source: number,
    incarnation: number,
    counter: number,
    value: unknown,
    failure: unknown,
  ): void
  /**
   * One of several replies; word 2 says what it is, `decodeReply` has its value. Returns whom it
   * was handed to, if that takes more.
   */
  onPart(
    source: number,
    incarnation: number,
    counter: number,
    note: number,
    isFailed: boolean,
  ): Incoming | null
  /** A requester says how many parts more it takes of a reply, 0 for none. */
  onFlow(
    source: number,
    incarnation: number,
    counter: number,
    parts: number,
    isStream: boolean,
  ): void
  onControl(source: number, incarnation: number, counter: number, payload: unknown): void
  /** A request that nobody here handles (any more), or whose payload cannot be read. */
  onRefused(ticket: RequestTicket, error: Error): void
  /** Whether a publish with this deadline comes too late. True is counted: nobody handles it. */
  isExpired(deadlineMs: number): boolean
  /** A frame that cannot be handled; nobody waits for it. */
  onError(error: unknown, subject: string, subscription: LocalSubscription | null): void
}
