// Who is subscribed to what, as a numbered log in the region: written by thread 0, read by every
// thread.
//
// The log has two halves. Changes are appended to one; when it is full, all live subscriptions are
// written as a snapshot at the start of the other and the generation moves on. Readers of the old
// half start anew there. A reader copies what it needs and then looks at the generation again: if
// the half it was reading has been taken into use a second time, it starts over. So neither side
// ever waits for the other, and a dead reader holds up nothing.
//
//   half generation & 1   entry entry … tail    entries are whole once the tail has moved past them
//   version               moves after each change; every publish compares it with what its routes
//                         were made from
//
//   entry   ┌────┬────┬────────────┬────────────────┬────────────────┬────────────────┬───────┐
//           │ op │ id │ generation │ thread · agent │ flags · length │ lengths        │ texts │
//           └────┴────┴────────────┴────────────────┴────────────────┴────────────────┴───────┘
//           words of 4 bytes, two numbers of 16 bits in some; the texts are pattern, queue and
//           rules, of the lengths given (that of the rules stands with the flags), filled up to a
//           multiple of 4

import { FlyshuttleError } from '../base/errors.js'
import { LOG_ROOM_DIVISOR, RULES_BYTES_MAX } from '../base/limits.js'
import {
  HEADER_LOG_GENERATION,
  HEADER_LOG_TAIL_EVEN,
  HEADER_LOG_TAIL_ODD,
  HEADER_VERSION,
} from '../memory/layout.js'
import type { Region } from '../memory/region.js'

const Op = { Add: 1, Remove: 2 } as const
const ENTRY_HEADER_BYTES = 24

export const SubscriptionFlag = {
  /** Replies to requests. */
  Responder: 1,
  /** Skipped and counted when it cannot take a message; never holds a publisher back. */
  Lossy: 2,
  /** Keeps what it cannot handle, also what expires before it leaves its sender. */
  DeadLetter: 4,
} as const

/** What senders must know of a subscription beside its pattern; none of it where there is none. */
export interface SubscriptionRules {
  /** How a sender chooses within the queue group, as `policyText` writes it. */
  readonly policy?: string
  readonly weight?: number
  /** A parsed filter as text. */
  readonly filter?: string
  /** Of a tap: which part of the messages it sees. */
  readonly sample?: number
}

/** One subscription as every thread knows it. */
export interface Subscription {
  /** Unique among live subscriptions; its shared row is at this index. */
  readonly id: number
  /** Tells a reused id from its earlier owner. */
  readonly generation: number
  readonly thread: number
  /** The agent it belongs to; 0 for the thread itself. */
  readonly agent: number
  readonly flags: number
  readonly pattern: string
  /** Queue group, or '' for none. */
  readonly queue: string
  readonly rules?: SubscriptionRules | undefined
}

export class ChangeLogWriter {
  readonly #region: Region
  readonly #live = new Map<number, Subscription>()
  readonly #u32: Uint32Array
  #generation = 0
  #tailBytes = 0
  /** What a snapshot of all live ones would take. */
  #liveBytes = 0

  constructor(region: Region) {
    this.#region = region
    this.#u32 = region.views.u32
  }

  get live(): ReadonlyMap<number, Subscription> {
    return this.#live
  }

  /** Of the half in use, how much is written. */
  get bytes(): number {
    return this.#tailBytes
  }

  /** @throws ERR_SUBSCRIPTION_LIMIT when it is too large, or not even a snapshot has room for it */
  add(subscription: Subscription): void {
    const rulesBytes = rulesText(subscription).length
    if (rulesBytes > RULES_BYTES_MAX) {
      const found = `${rulesBytes} bytes of rules`
      const wanted = `at most ${RULES_BYTES_MAX}`
      throw new FlyshuttleError('ERR_SUBSCRIPTION_LIMIT', { found, wanted })
    }
    const before = this.#live.get(subscription.id)
    const bytes =
      entryBytes(subscription, rulesText(subscription)) -
      (before === undefined ? 0 : entryBytes(before, rulesText(before)))
    const { changeLogBytes } = this.#region.layout
    // Some room must be left, or soon every change would be a snapshot of all.
    const limitBytes = changeLogBytes - changeLogBytes / LOG_ROOM_DIVISOR
    if (this.#liveBytes + bytes > limitBytes) {
      const found = `${this.#live.size + 1} subscriptions take ${this.#liveBytes + bytes} bytes`
      throw new FlyshuttleError('ERR_SUBSCRIPTION_LIMIT', { found, wanted: `${limitBytes} bytes` })
    }
    this.#liveBytes += bytes
    this.#live.set(subscription.id, subscription)
    this.#append(Op.Add, subscription)
    this.#announce()
  }

  remove(ids: Iterable<number>): void {
    let count = 0
    for (const id of ids) {
      const subscription = this.#live.get(id)
      if (subscription === undefined) continue
      this.#live.delete(id)
      this.#liveBytes -= entryBytes(subscription, rulesText(subscription))
      this.#append(Op.Remove, { ...subscription, pattern: '', queue: '', rules: undefined })
      count++
    }
    if (count > 0) this.#announce()
  }

  #append(op: number, subscription: Subscription): void {
    const bytes = entryBytes(subscription, rulesText(subscription))
    if (this.#tailBytes + bytes > this.#region.layout.changeLogBytes) {
      this.#snapshot()
      return // The snapshot is made from the live set, which holds the change already.
    }
    const half = halfOf(this.#region, this.#generation)
    this.#tailBytes = this.#write(half, this.#tailBytes, op, subscription)
    // SYNC log-tail: pairs with log-tail in ChangeLogReader. The entry is whole before the tail
    // moves past it.
    Atomics.store(this.#u32, tailIndexOf(this.#generation), this.#tailBytes)
  }

  #snapshot(): void {
    const next = this.#generation + 1
    let tailBytes = 0
    for (const subscription of this.#live.values()) {
      tailBytes = this.#write(halfOf(this.#region, next), tailBytes, Op.Add, subscription)
    }
    Atomics.store(this.#u32, tailIndexOf(next), tailBytes)
    this.#tailBytes = tailBytes
    this.#generation = next
    // SYNC log-generation: pairs with log-generation in ChangeLogReader. The snapshot is whole
    // before it is in use; whoever still reads this half is two generations behind and sees that
    // when it looks at the generation again.
    Atomics.store(this.#u32, HEADER_LOG_GENERATION >>> 2, next)
  }

  #write(half: number, at: number, op: number, subscription: Subscription): number {
    const { buffer } = this.#region.views
    const u32 = this.#u32
    const word = (half + at) >>> 2
    u32[word] = op
    u32[word + 1] = subscription.id
    u32[word + 2] = subscription.generation
    u32[word + 3] = subscription.thread | (subscription.agent << 16)
    const rules = rulesText(subscription)
    u32[word + 4] = subscription.flags | (rules.length << 16)
    u32[word + 5] = subscription.pattern.length | (subscription.queue.length << 16)
    const textStart = half + at + ENTRY_HEADER_BYTES
    const { pattern, queue } = subscription
    // Without a length, `write` writes nothing where more than 2 GiB of the region follow.
    buffer.write(pattern, textStart, pattern.length, 'latin1')
    const queueEnd = textStart + pattern.length + queue.length
    buffer.write(queue, textStart + pattern.length, queue.length, 'latin1')
    buffer.write(rules, queueEnd, rules.length, 'latin1')
    return at + entryBytes(subscription, rules)
  }

  #announce(): void {
    // SYNC route-version: pairs with route-version in RouteTable.catchUp. The log is readable
    // before the version moves.
    Atomics.add(this.#u32, HEADER_VERSION >>> 2, 1)
  }
}

interface Change {
  readonly op: number
  readonly subscription: Subscription
}

export class ChangeLogReader {
  readonly #region: Region
  readonly #u32: Uint32Array
  readonly #live = new Map<number, Subscription>()
  #generation = -1
  #readBytes = 0

  constructor(region: Region) {
    this.#region = region
    this.#u32 = region.views.u32
  }

  /** The live subscriptions as of the last `catchUp`. */
  get live(): ReadonlyMap<number, Subscription> {
    return this.#live
  }

  /** Applies what is new, calling `onAdd` and `onRemove` for each change. */
  catchUp(onAdd: (added: Subscription) => void, onRemove: (removed: Subscription) => void): void {
    for (;;) {
      // SYNC log-generation: pairs with log-generation in ChangeLogWriter.snapshot.
      const generation = Atomics.load(this.#u32, HEADER_LOG_GENERATION >>> 2)
      const isFresh = generation === this.#generation
      const from = isFresh ? this.#readBytes : 0
      // SYNC log-tail: pairs with log-tail in ChangeLogWriter.append.
      const tail = Math.min(
        Atomics.load(this.#u32, tailIndexOf(generation)),
        this.#region.layout.changeLogBytes,
      )
      const changes = this.#read(halfOf(this.#region, generation), from, tail)
      // Another half is in use now; ours may even have been written anew while we read it.
      if (Atomics.load(this.#u32, HEADER_LOG_GENERATION >>> 2) !== generation) continue
      if (!isFresh) this.#dropAllBut(changes, onRemove)
      this.#generation = generation
      this.#readBytes = tail
      for (const { op, subscription } of changes) {
        const known = this.#live.get(subscription.id)
        if (known !== undefined && op === Op.Add && isSame(known, subscription)) continue
        if (known !== undefined) onRemove(known)
        if (op === Op.Add) {
          this.#live.set(subscription.id, subscription)
          onAdd(subscription)
        } else this.#live.delete(subscription.id)
      }
      return
    }
  }

  /**
   * A snapshot replaces all that we knew. What it says again stays: it would be much work for each
   * reader to take in very many subscriptions anew.
   */
  #dropAllBut(changes: readonly Change[], onRemove: (removed: Subscription) => void): void {
    const said = new Set<number>()
    for (const { subscription } of changes) said.add(subscription.id)
    for (const known of this.#live.values()) {
      if (said.has(known.id)) continue
      this.#live.delete(known.id)
      onRemove(known)
    }
  }

  #read(half: number, from: number, tail: number): Change[] {
    const { buffer } = this.#region.views
    const { threads, subscriptions } = this.#region.layout
    const u32 = this.#u32
    const changes: Change[] = []
    const textOf = (start: number, end: number): string =>
      start === end ? '' : buffer.toString('latin1', start, end)
    let at = from
    while (at + ENTRY_HEADER_BYTES <= tail) {
      const word = (half + at) >>> 2
      const place = u32[word + 3] as number
      const lengths = u32[word + 5] as number
      const patternStart = half + at + ENTRY_HEADER_BYTES
      const queueStart = patternStart + (lengths & 0xffff)
      const rulesStart = queueStart + (lengths >>> 16)
      const flags = u32[word + 4] as number
      const rulesEnd = rulesStart + (flags >>> 16)
      const op = u32[word] as number
      const thread = place & 0xffff
      const id = u32[word + 1] as number
      // Not what thread 0 wrote: nothing after it can be read either. The next snapshot mends it.
      const isKnown = op === Op.Add || op === Op.Remove
      if (!isKnown || thread >= threads || id >= subscriptions || rulesEnd > half + tail) break
      const rules = rulesOf(textOf(rulesStart, rulesEnd))
      if (rules === null) break
      const subscription: Subscription = {
        id,
        generation: u32[word + 2] as number,
        thread,
        agent: place >>> 16,
        flags: flags & 0xffff,
        pattern: textOf(patternStart, queueStart),
        queue: textOf(queueStart, rulesStart),
        rules,
      }
      changes.push({ op, subscription })
      at = (rulesEnd - half + 3) & -4
    }
    return changes
  }
}

/** The numbers of a subscription come again, on another thread perhaps. */
function isSame(one: Subscription, other: Subscription): boolean {
  return (
    one.generation === other.generation &&
    one.thread === other.thread &&
    one.agent === other.agent &&
    one.flags === other.flags &&
    one.pattern === other.pattern &&
    one.queue === other.queue &&
    rulesText(one) === rulesText(other)
  )
}

function entryBytes({ pattern, queue }: Subscription, rules: string): number {
  return (ENTRY_HEADER_BYTES + pattern.length + queue.length + rules.length + 3) & -4
}

/** The rules as ASCII; '' for none. */
function rulesText({ rules }: Subscription): string {
  if (rules === undefined) return ''
  const escape = (found: string): string =>
    `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(rules).replace(/[^ -~]/g, escape)
}

/** Null for a text that thread 0 did not write. */
function rulesOf(text: string): SubscriptionRules | undefined | null {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as SubscriptionRules
  } catch {
    return null
  }
}

function halfOf(region: Region, generation: number): number {
  return region.layout.changeLog + (generation & 1) * region.layout.changeLogBytes
}

function tailIndexOf(generation: number): number {
  return ((generation & 1) === 0 ? HEADER_LOG_TAIL_EVEN : HEADER_LOG_TAIL_ODD) >>> 2
}
