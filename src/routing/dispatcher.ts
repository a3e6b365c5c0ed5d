// Everything that arrives on a thread: finds the local subscriptions of a frame, decodes for each,
// hands over.
//
// A frame names its subject by a number of the sending thread's dictionary, so the targets of
// (source, number) are remembered and found by two array accesses. Each subscription gets a value
// of its own: handlers may change it.

import { NO_EXTRAS, RequestTicket, type Extras } from '../agent/info.js'
import { letGo, type Leases } from '../agent/lease.js'
import type { RequestWatch } from '../agent/request-watch.js'
import { FRAME_HEADER_BYTES, ROUTES_CACHED_MAX } from '../base/limits.js'
import type { CompiledFilter } from '../codec/filter.js'
import { NO_HEADERS } from '../codec/headers.js'
import type { Region } from '../memory/region.js'
import { CodecId } from '../base/codec-id.js'
import type { CopyBytes } from '../native/copying.js'
import {
  FRAME_CODEC_MASK,
  FRAME_CODEC_SHIFT,
  FRAME_FLAGS_MASK,
  FRAME_KIND_SHIFT,
  FRAME_LENGTH_MASK,
  FRAME_SOURCE_SHIFT,
  FrameFlag,
  FrameKind,
} from '../ring/frame.js'
import { BlockReader } from './block-reader.js'
import { FrameBlocks } from './frame-blocks.js'
import { PartWay } from './part-way.js'
import { PayloadDecoder } from './payload-decoder.js'
import { RecentChanges } from './recent-changes.js'
import type { DispatcherEvents } from './dispatcher-events.js'
import { noResponders } from './requests.js'
import { SubjectTrie } from './subject-trie.js'
import {
  ExpressWays,
  expressOf,
  expressReplyOf,
  expressRequestOf,
  type ExpressReply,
} from './express.js'
import { isPlain, newTarget, type LocalSubscription, type Struct, type Target } from './target.js'

export class Dispatcher {
  readonly #i32: Int32Array
  readonly #blocks: BlockReader
  readonly #decoder: PayloadDecoder
  readonly #frame: FrameBlocks
  readonly #express: ExpressWays
  readonly #events: DispatcherEvents
  /** Where most parts of streams come in. */
  readonly parts: PartWay
  readonly #watch: RequestWatch
  readonly #targets: (Target | undefined)[][] = []
  readonly #inlineTargets = new Map<string, Target>()
  readonly #trie = new SubjectTrie<LocalSubscription>()
  readonly #byId = new Map<number, LocalSubscription>()
  readonly #changes = new RecentChanges()
  #epoch = 0
  /** Subscriptions that have been taken away. */
  #removals = 0
  #expressReply: ExpressReply | null = null

  // The subject of the last frame; most come in runs.
  #lastSource = -1
  #lastSubjectId = -1
  #last: Target | null = null

  // The frame under way.
  #source = 0
  #extras = NO_EXTRAS

  /** `copyBytes` is the addon's, or null without. */
  constructor(
    region: Region,
    leases: Leases,
    copyBytes: CopyBytes | null,
    watch: RequestWatch,
    events: DispatcherEvents,
  ) {
    this.#watch = watch
    this.#i32 = region.views.i32
    this.#blocks = new BlockReader(leases, region.views)
    this.#events = events
    this.parts = new PartWay(region.views.i32)
    this.#decoder = new PayloadDecoder(region, copyBytes)
    this.#frame = new FrameBlocks(region.views, this.#decoder)
    this.#express = new ExpressWays(region.views, watch, events)
    for (let thread = 0; thread < region.layout.threads; thread++) this.#targets.push([])
  }

  get subscriptions(): ReadonlyMap<number, LocalSubscription> {
    return this.#byId
  }

  add(subscription: LocalSubscription): void {
    const { entry, message } = subscription
    this.#byId.set(entry.id, subscription)
    if (isPlain(entry) && this.#trie.insert(entry.pattern, subscription)) {
      this.#epoch = this.#express.gate[0] = this.#changes.note(entry.pattern)
    }
    if (message?.struct != null) this.#decoder.learn(message)
  }

  remove(subscription: LocalSubscription): void {
    const { entry } = subscription
    this.#byId.delete(entry.id)
    this.#removals++
    if (!isPlain(entry) || !this.#trie.remove(entry.pattern, subscription)) return
    this.#epoch = this.#express.gate[0] = this.#changes.note(entry.pattern)
  }

  /**
   * Handles the frame that `source` wrote at `offset`, and perhaps some behind it: see
   * `FrameHandler`. Throws only what the frame can be guilty of, and then nothing behind it was
   * handled.
   */
  onFrame(
    source: number,
    offset: number,
    word0: number,
    framesLeft: number,
    unitsLeft: number,
    takenIndex: number,
  ): number {
    const word = offset >>> 2
    const i32 = this.#i32
    const word1 = i32[word + 1] as number
    const subjectId = i32[word + 2] as number
    const reply = this.#expressReply
    if (reply !== null && reply.word0 === word0 && reply.word1 === word1 && subjectId === 0) {
      if (reply.typeId === (i32[word + 3] as number)) {
        this.#express.reply(reply, source, offset)
        return 0
      }
    }
    if (subjectId !== this.#lastSubjectId || source !== this.#lastSource) {
      this.#lastSubjectId = subjectId
      this.#lastSource = source
      this.#last = (this.#targets[source] as (Target | undefined)[])[subjectId] ?? null
    }
    const known = this.#last
    if (known !== null) {
      const express = known.express
      if (
        express !== null &&
        express.word0 === word0 &&
        express.word1 === word1 &&
        express.typeId === (i32[word + 3] as number) &&
        known.epoch === this.#epoch &&
        express.mailbox.isFree
      ) {
        this.#source = source
        return this.#express.publish(express, known, offset, framesLeft, unitsLeft, takenIndex)
      }
      const asked = known.expressRequest
      if (
        asked !== null &&
        asked.word0 === word0 &&
        asked.word1 === word1 &&
        asked.typeId === (i32[word + 3] as number) &&
        asked.targetId === (i32[word + 4] as number) &&
        asked.generation === (i32[word + 5] as number) &&
        asked.removals === this.#removals
      ) {
        this.#express.request(asked, known.subject, source, offset)
        return 0
      }
    }
    if (word1 === this.parts.word1 && this.parts.take(offset, word0)) return 0
    const decoder = this.#decoder
    this.#source = source
    this.#extras = NO_EXTRAS
    decoder.source = source
    decoder.typeId = i32[word + 3] as number
    decoder.codec = ((word1 >>> FRAME_CODEC_SHIFT) & FRAME_CODEC_MASK) as CodecId
    decoder.start = offset + FRAME_HEADER_BYTES
    decoder.end = offset + (word0 & FRAME_LENGTH_MASK)
    decoder.packed = null
    const kind = word0 >>> FRAME_KIND_SHIFT
    if (kind === FrameKind.Publish && (word1 & SPECIAL_PUBLISH) === 0) {
      const target = this.#targetOf(source, i32[word + 2] as number)
      for (const subscription of target.plain) {
        const agent = word1 >>> FRAME_SOURCE_SHIFT
        this.#publishTo(subscription, target.subject, agent, subscription.filter)
      }
      const struct = this.#structUnderWay()
      target.express = struct === null ? null : expressOf(target, struct, source, word0, word1)
      return 0
    }
    if ((word1 & FrameFlag.Chunk) === 0) this.#onOther(kind, word, word1)
    else this.#onChunk(kind, word, word1)
    return 0
  }

  /** The payload of the reply under way; only within `onReply`. */
  decodeReply(): unknown {
    return this.#decoder.decode('(reply)', null, false)
  }

  /** What stands in the frame is a descriptor; the payload lies in the block that it names. */
  #onChunk(kind: number, word: number, word1: number): void {
    try {
      this.#onOther(kind, word, word1)
    } finally {
      this.#blocks.close(this.#decoder)
    }
  }

  #onOther(kind: number, word: number, word1: number): void {
    const i32 = this.#i32
    const word0 = i32[word] as number
    const blocks = this.#frame
    blocks.read(kind, word, word1)
    const { targetId, targetGeneration, incarnation, counter, deadlineMs, headers } = blocks
    const { priority, credit, subject: inline } = blocks
    // A request has its deadline in its ticket, and a plain one nothing else.
    const untilMs = kind === FrameKind.Publish ? deadlineMs : Infinity
    if (headers !== NO_HEADERS || priority !== 0 || untilMs !== Infinity) {
      this.#extras = { headers, priority, deadlineMs: untilMs, kept: null }
    }
    if ((word1 & FrameFlag.Chunk) !== 0 && !this.#blocks.open(this.#decoder)) return
    if (kind === FrameKind.Reply) {
      const isFailed = (word1 & FrameFlag.Failed) !== 0
      const note = i32[word + 2] as number
      const isPart = (word1 & FrameFlag.Stream) !== 0
      if (!isPart) {
        this.#events.onReply(incarnation, counter, isFailed, note)
        const struct = this.#structUnderWay()
        if (struct !== null) this.#expressReply = expressReplyOf(struct, word0, word1)
        return
      }
      const taker = this.#events.onPart(this.#source, incarnation, counter, note, isFailed)
      if (taker !== null) this.parts.learn(word, taker, this.#decoder.lastStruct)
      return
    }
    if (kind === FrameKind.Flow) {
      const isStream = (word1 & FrameFlag.Stream) !== 0
      this.#events.onFlow(this.#source, incarnation, counter, i32[word + 2] as number, isStream)
      return
    }
    if (kind === FrameKind.Control) {
      const payload = this.#decoder.decode('(control)', null, false)
      this.#events.onControl(this.#source, incarnation, counter, payload)
      return
    }
    const target =
      inline === null
        ? this.#targetOf(this.#source, i32[word + 2] as number)
        : this.#inlineTargetOf(inline)
    const agent = word1 >>> FRAME_SOURCE_SHIFT
    const chosen = this.#byId.get(targetId)
    const isCurrent = chosen !== undefined && chosen.entry.generation === targetGeneration
    // Looked at for each: a handler before it in this drain may have taken its time.
    if (untilMs !== Infinity && this.#events.isExpired(untilMs)) {
      if (targetId < 0) for (const subscription of target.plain) this.#expire(subscription, target)
      else if (isCurrent) this.#expire(chosen, target)
      return
    }
    if (kind === FrameKind.Publish && targetId < 0) {
      for (const subscription of target.plain) {
        this.#publishTo(subscription, target.subject, agent, subscription.filter)
      }
      return
    }
    if (kind === FrameKind.Publish) {
      // Its sender asked for it alone.
      if (isCurrent) this.#publishTo(chosen, target.subject, agent, null)
      return
    }
    if (kind !== FrameKind.Request) throw this.#decoder.corrupt(`kind ${kind}`)
    const ticket = new RequestTicket(
      target.subject,
      this.#source,
      agent,
      incarnation,
      counter,
      deadlineMs,
      this.#extras,
      this.#watch,
      credit,
    )
    if (this.#watch.isLate(ticket)) return
    if (!isCurrent) return this.#refuse(ticket)
    this.#requestTo(chosen, ticket)
    const struct = inline === null ? this.#structUnderWay() : null
    if (struct === null) return
    target.expressRequest = expressRequestOf(chosen, struct, word0, word1, this.#removals)
  }

  /** What was just decoded, if that is a struct. */
  #structUnderWay(): Struct | null {
    const { codec, lastStruct, typeId } = this.#decoder
    return codec === CodecId.Struct && lastStruct?.typeId === typeId >>> 0 ? lastStruct : null
  }

  #publishTo(
    subscription: LocalSubscription,
    subject: string,
    agent: number,
    filter: CompiledFilter | null,
  ): void {
    const decoder = this.#decoder
    const { headers } = this.#extras
    let value: unknown
    try {
      const isLazy = subscription.isLazy && !subscription.mailbox.isBusy
      const { isReadable } = decoder
      if (filter !== null && isReadable && !decoder.passes(filter, subject, headers)) return
      value = subscription.isLease
        ? this.#blocks.lease(decoder, subject, subscription.message)
        : decoder.decode(subject, subscription.message, isLazy)
      if (filter !== null && !isReadable && !filter.test(value, headers)) return letGo(value)
    } catch (error) {
      letGo(value)
      this.#events.onError(error, subject, subscription)
      subscription.bury?.('unreadable', error, this.#keep(subject))
      return
    }
    const { allowance, bury } = subscription
    if (allowance === null || allowance.take()) {
      const extras = bury === null ? this.#extras : this.#keep(subject)
      subscription.mailbox.publish(value, subject, this.#source, agent, extras)
    } else letGo(value)
    if (subscription.isLazy) this.#decoder.expire()
  }

  /** A message came too late: who buries such and wanted it does so. */
  #expire({ bury, filter }: LocalSubscription, { subject }: Target): void {
    if (bury === null || !this.#decoder.isWanted(filter, subject, this.#extras.headers)) return
    bury('expired', null, this.#keep(subject))
  }

  /** The extras of the message under way with its bytes, for a subscription that buries. */
  #keep(subject: string): Extras {
    return { ...this.#extras, kept: this.#decoder.keep(subject) }
  }

  #requestTo(subscription: LocalSubscription, ticket: RequestTicket): void {
    ticket.pattern = subscription.entry.pattern
    let value: unknown
    try {
      value = this.#decoder.decode(ticket.subject, subscription.message, false)
    } catch (error) {
      this.#events.onRefused(ticket, error as Error)
      return
    }
    const { allowance } = subscription
    if (allowance === null || allowance.take()) subscription.mailbox.request(value, ticket)
    else this.#refuse(ticket)
  }

  /** No handler here takes it: another responder may. */
  #refuse(ticket: RequestTicket): void {
    ticket.isRefused = true
    this.#events.onRefused(ticket, noResponders(ticket.subject))
  }

  #targetOf(source: number, subjectId: number): Target {
    const known = (this.#targets[source] as (Target | undefined)[])[subjectId]
    if (known !== undefined && this.#changes.isCurrent(known)) return known
    return this.#compileTarget(source, subjectId, known)
  }

  #compileTarget(source: number, subjectId: number, known: Target | undefined): Target {
    const subject = known?.subject ?? this.#decoder.subject(subjectId)
    if (!subject) throw this.#decoder.corrupt(`subject number ${subjectId}`)
    const target = known ?? newTarget(subject, subjectId)
    target.plain = this.#trie.match(subject)
    target.epoch = this.#epoch
    target.express = null
    ;(this.#targets[source] as (Target | undefined)[])[subjectId] = target
    this.#lastSource = -1
    return target
  }

  #inlineTargetOf(subject: string): Target {
    let target = this.#inlineTargets.get(subject)
    if (target === undefined) {
      if (this.#inlineTargets.size >= ROUTES_CACHED_MAX) this.#inlineTargets.clear()
      target = newTarget(subject, 0)
      this.#inlineTargets.set(subject, target)
    }
    if (!this.#changes.isCurrent(target)) {
      target.plain = this.#trie.match(subject)
      target.epoch = this.#epoch
    }
    return target
  }
}

/** A publish without any of these goes to all plain subscriptions of a numbered subject. */
const SPECIAL_PUBLISH = FRAME_FLAGS_MASK
