// Who on this thread gets the messages of one subject, and the shortest way to there.
//
// Frame after frame of one struct, from one agent, to one subscription are alike but for the
// payload: three of their words are the same. What the first one was found to be is kept as the
// target's express way, and a frame with the same words takes it without a further look.

import { NO_EXTRAS, PublishInfo, type Extras } from '../agent/info.js'
import type { Mailbox } from '../agent/mailbox.js'
import { FRAME_HEADER_BYTES } from '../base/limits.js'
import type { CompiledFilter } from '../codec/filter.js'
import type { Message } from '../codec/message.js'
import type { Fields } from '../codec/schema.js'
import type { BoundStruct } from '../codec/struct.js'
import { FRAME_LENGTH_MASK, FRAME_SOURCE_SHIFT } from '../ring/frame.js'
import type { Allowance } from './allowance.js'
import { SubscriptionFlag, type Subscription } from './change-log.js'
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
  readonly bound: BoundStruct<unknown>
}

/** The local plain subscriptions of one subject. */
export interface Target {
  readonly subject: string
  epoch: number
  plain: readonly LocalSubscription[]
  express: Express | null
}

/** What is the same for every frame whose words 0, 1 and 3 are these. */
export interface Express {
  readonly word0: number
  readonly word1: number
  readonly typeId: number
  readonly bound: BoundStruct<unknown>
  readonly mailbox: Mailbox
  readonly info: PublishInfo
}

/**
 * The express way for frames like the one that was just delivered as `struct`; null where each
 * needs a decision of its own.
 */
export function expressOf(
  target: Target,
  struct: Struct,
  source: number,
  word0: number,
  word1: number,
): Express | null {
  const [only] = target.plain
  if (only === undefined || target.plain.length > 1 || only.isLazy) return null
  if (only.filter !== null || only.allowance !== null || only.bury !== null) return null
  if (only.message !== null && only.message.typeId !== struct.typeId) return null
  if ((word0 & FRAME_LENGTH_MASK) < FRAME_HEADER_BYTES + struct.bytes) return null
  const info = new PublishInfo(only.entry.pattern)
  info.fill(target.subject, source, word1 >>> FRAME_SOURCE_SHIFT, NO_EXTRAS)
  info.expire()
  const { typeId, bound } = struct
  return { word0, word1, typeId: typeId | 0, bound, mailbox: only.mailbox, info }
}

/** Whether it gets every message of its subjects: it shares them with nobody, and answers none. */
export function isPlain(entry: Subscription): boolean {
  const isChosen = entry.queue !== '' || (entry.flags & SubscriptionFlag.Responder) !== 0
  return !isChosen && !isTap(entry)
}
