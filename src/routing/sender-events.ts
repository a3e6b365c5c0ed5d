// What a sender tells the bus of its thread.

import type { Parcel } from './parcel.js'

export interface SenderEvents {
  /** Something waits for room: keep the loop alive until it is gone. */
  onWaiting(isWaiting: boolean): void
  /** A publish that was accepted and parked can never be written; nobody else hears of it. */
  onLost?(error: unknown, subject: string, parcel: Parcel): void
  /** A publish that was accepted has expired here, and somebody wants to have it kept. */
  onExpired?(subject: string, parcel: Parcel): void
  /** Whether a publish with this deadline comes too late. True is counted: it is not written. */
  isExpired(deadlineMs: number): boolean
}
