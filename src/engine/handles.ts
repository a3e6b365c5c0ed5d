// What the calls of an endpoint take and give back, as types: subscriptions in the hand, outcomes,
// bound publishers, options of its own.

import type { SubscribeOptions } from '../agent/agent.js'
import type { Received } from './pull.js'

/** A live subscription. Iteration ends when it is unsubscribed or the engine closes. */
export interface SubscriptionHandle {
  readonly pattern: string
  /**
   * Withdraws the subscription; messages already received are handled first. Do not await it in the
   * subscription's own handler: it waits for that handler.
   */
  unsubscribe(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface SubscriptionIterator<T> extends SubscriptionHandle {
  [Symbol.asyncIterator](): AsyncIterator<Received<T>, undefined>
}

/** Options of a subscription whose handler gets leases. */
export type LeaseOptions = SubscribeOptions & { readonly lease: true }

/** How a tap watches. */
export interface TapOptions {
  /** Which part of the messages it sees: above 0, at most 1. Default 1. */
  readonly sample?: number
}

/** `accepted`: written or on its way. `full`: no room now, nothing was kept. */
export type Outcome = 'accepted' | 'full'

/** Publishes one message from its fields. Returns what `publish` returns. */
export type Publisher<T, F extends readonly (keyof T & string)[]> = (
  ...values: { [I in keyof F]: T[F[I]] }
) => boolean

/** A list that lacks a field fits no list: the compiler's message then says which. */
export type AllFields<T, F extends readonly unknown[]> = [Exclude<keyof T, F[number]>] extends [
  never,
]
  ? unknown
  : { readonly missing: Exclude<keyof T, F[number]> }
