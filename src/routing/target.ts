// Who on this thread gets the messages of one subject.

import type { Extras } from '../agent/info.js'
import type { Mailbox } from '../agent/mailbox.js'
import type { CompiledFilter } from '../codec/filter.js'
import type { Message } from '../codec/message.js'
import type { Fields } from '../codec/schema.js'
import type { BoundStruct, StructCodec } from '../codec/struct.js'
import type { Allowance } from './allowance.js'
import { SubscriptionFlag, type Subscription } from './change-log.js'
import type { Express, ExpressRequest } from './express.js'
import { isTap } from './taps.js'
import type { DeadReason } from './dead-letter.js'

/** A subscription of this thread: what the log says of it, and who handles it. */
export interface LocalSubscription {
  readonly entry: Subscription
  readonly mailbox: Mailbox
  /** The message type it was made with; frames of another type are refused. Null takes anything. */
  readonly message: Message<unknown> | null
  /** The reply type of a responder, for encoding its results. */
  readonly reply: Message<unknown> | null
  /** Hand over a view that reads fields from the ring, instead of a decoded object. */
  readonly isLazy: boolean
  /** Hand over a lease of the bytes, instead of a copy. */
  readonly isLease: boolean
  /** What it wants of the messages of its pattern; null: all. */
  readonly filter: CompiledFilter | null
  /** Null: it takes messages until somebody ends it. */
  readonly allowance: Allowance | null
  /** Called when it has ended, by itself or not. */
  onEnd: (() => void) | null
  /** Name of the agent it belongs to; '' for the thread itself. */
  readonly name: string
  /** Keeps a message that it gives up as a dead letter; null when that was not asked for. */
  readonly bury: Bury | null
}

/** `extras.kept` is the message. */
export type Bury = (reason: DeadReason, error: unknown, extras: Extras) => void

/** A struct that this thread can decode. */
export interface Struct {
  readonly typeId: number
  readonly bytes: number
  readonly fields: Fields
  readonly codec: StructCodec<unknown>
  readonly bound: BoundStruct<unknown>
}

/** The local plain subscriptions of one subject. */
export interface Target {
  readonly subject: string
  /** In the dictionary of its sender; 0 where it has none. */
  readonly subjectId: number
  epoch: number
  plain: readonly LocalSubscription[]
  express: Express | null
  expressRequest: ExpressRequest | null
}

export function newTarget(subject: string, subjectId: number): Target {
  return { subject, subjectId, epoch: -1, plain: [], express: null, expressRequest: null }
}

/** Whether it gets every message of its subjects: it shares them with nobody, and answers none. */
export function isPlain(entry: Subscription): boolean {
  const isChosen = entry.queue !== '' || (entry.flags & SubscriptionFlag.Responder) !== 0
  return !isChosen && !isTap(entry)
}
