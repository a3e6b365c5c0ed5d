// Bound publishers: functions that take the fields of one struct message as arguments and write
// them straight into the ring of its only receiver.
//
// The function is compiled once (`codec/publisher-source.ts`) and goes by five words, its way:
// where to write, whether to ask the filters of the receiver first, and the version of the routes
// for which that is right. Whatever it cannot write, it publishes like any other message; after
// that the way is aimed anew, if the message has one receiver and nothing of its subject waits. So
// it keeps the order with all else that is published on the subject, and is right as long as
// `Outlet` is.

import { invalid } from '../base/checks.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import { FRAME_HEADER_BYTES, PUBLISHERS_MAX } from '../base/limits.js'
import { checkMessage, type Message } from '../codec/message.js'
import type { CompiledFilter } from '../codec/filter.js'
import { questionOf, refusalOf } from '../codec/filter-source.js'
import { PublisherAsks, PublisherWay, type PublisherNumbers } from '../codec/publisher-source.js'
import type { BoundPublisher, PublisherLane, StructCodec } from '../codec/struct.js'
import { NO_CURSOR, type LinkWriter, type Outbox } from '../link/outbox.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { HEADER_VERSION } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import {
  FRAME_CODEC_SHIFT,
  FRAME_KIND_SHIFT,
  FRAME_SOURCE_SHIFT,
  FrameKind,
} from '../ring/frame.js'
import { frameBytesMax } from '../ring/ring.js'
import type { Route, RouteTable } from './route-table.js'
import type { Sender } from './sender.js'
import { checkSubject } from './subject.js'

/** More than V8 keeps on its moving heap: compiled code knows where these words lie. */
const WAY_BYTES = 128
/** What lies beyond is no signed 32-bit number, as the compiled code needs. */
const DATA_END_MAX = 2 ** 31

const REFUSES_NONE = (): boolean => false

const versionIndex = HEADER_VERSION >>> 2

/** Publishers of all threads together, for numbers that differ. */
let publishersMade = 0

/** All bound publishers of one thread. */
export class Publishers {
  readonly #region: Region
  readonly #outbox: Outbox
  readonly #routes: RouteTable
  readonly #sender: Sender
  readonly #dictionary: DictionaryWriter
  readonly #made = new Map<Message<unknown>, Map<string, BoundPublisher>>()
  readonly #lanes: PublisherLane[] = []
  #isClosed = false

  constructor(
    region: Region,
    outbox: Outbox,
    routes: RouteTable,
    sender: Sender,
    dictionary: DictionaryWriter,
  ) {
    this.#dictionary = dictionary
    this.#region = region
    this.#outbox = outbox
    this.#routes = routes
    this.#sender = sender
  }

  /**
   * The publisher of a message for these names; the same one each time.
   *
   * @throws ERR_OPTION_INVALID unless it is a struct message and each field is named once;
   * ERR_CLOSED
   */
  of(message: Message<unknown>, names: readonly string[], agent: number): BoundPublisher {
    if (this.#isClosed) throw new FlyshuttleError('ERR_CLOSED', { found: 'publisher' })
    const struct = checkNames(message, names)
    const key = `${agent}:${names.join('\n')}`
    const known = this.#made.get(message)?.get(key)
    if (known !== undefined) return known
    const route = this.#routes.route(checkSubject(message.subject))
    // What no frame carries travels in a block: the long way knows how.
    const isInline =
      FRAME_HEADER_BYTES + struct.bytes <= frameBytesMax(this.#region.layout.bulkRingBytes)
    const isFast = isInline && this.#lanes.length < PUBLISHERS_MAX && route.subjectId !== 0
    const lane = this.#lane(message, struct, names, agent, route, isFast)
    const publisher = struct.publisher(this.#region.views, names, lane)
    if (!isFast) return publisher
    // Two routes of one subject would not know what waits on the other.
    route.isPinned = true
    route.addGate(lane.way)
    this.#lanes.push(lane)
    const made = this.#made.get(message) ?? new Map<string, BoundPublisher>()
    this.#made.set(message, made.set(key, publisher))
    return publisher
  }

  /** From now on all of them take the long way. */
  close(): void {
    this.#isClosed = true
    for (const lane of this.#lanes) {
      lane.way[PublisherWay.Cursor] = NO_CURSOR
      lane.way[PublisherWay.Asks] = PublisherAsks.None
    }
    this.#lanes.length = 0
    this.#made.clear()
  }

  #lane(
    message: Message<unknown>,
    struct: StructCodec<unknown>,
    names: readonly string[],
    agent: number,
    route: Route,
    isFast: boolean,
  ): PublisherLane {
    const way = new Int32Array(new ArrayBuffer(WAY_BYTES))
    let link: LinkWriter | null = null
    const aim = (): void => {
      const { solo } = route
      if (solo === null || route.packer !== null || route.parked.length > 0) return
      if (solo !== link) {
        const { ring, cursorIndex, fullIndex } = solo
        if (ring.data + ring.ringBytes > DATA_END_MAX) return
        link = solo
        way[PublisherWay.Cursor] = cursorIndex
        way[PublisherWay.Data] = ring.data >>> 3
        way[PublisherWay.Full] = fullIndex
      }
      // Taps are shown a message: with one, all of them take the long way.
      if (route.taps.length > 0) return
      const asks = asksOf(filtersOf(route))
      if (asks === null) return
      way[PublisherWay.Asks] = asks
      way[PublisherWay.Gate] = route.version
    }
    const first = isFast && route.solo !== null ? filtersOf(route) : null
    const all = Object.keys(struct.fields)
    const standing = first && questionOf(first, struct.fields, (name) => `v${all.indexOf(name)}`)
    let asked: readonly CompiledFilter[] | null = null
    let asks: number | null = PublisherAsks.None
    const asksOf = (filters: readonly CompiledFilter[] | null): number | null => {
      if (asked === filters) return asks
      asked = filters
      return (asks = filters === null ? PublisherAsks.None : askable(filters))
    }
    const askable = (filters: readonly CompiledFilter[]): number | null => {
      const isStanding = standing !== null && textOf(filters) === textOf(first)
      const refuses = isStanding ? null : refusalOf(filters, struct.fields, names)
      if (!isStanding && refuses === null) return null
      lane.refuses = refuses ?? REFUSES_NONE
      // What was refused so far has not told the receivers what it is.
      if (!this.#dictionary.addType(struct.typeId, struct.canonical)) return null
      return isStanding ? PublisherAsks.Standing : PublisherAsks.Others
    }
    const { i32 } = this.#region.views
    const units = (FRAME_HEADER_BYTES + struct.bytes) >>> 3
    const lane: PublisherLane = {
      cursors: this.#outbox.cursors,
      way,
      standing,
      refuses: REFUSES_NONE,
      publish: (value) => {
        const isAccepted = this.#sender.publish(message, value, agent)
        if (isFast) aim()
        return isAccepted
      },
      prepare: () => {
        const isOpen = link !== null && i32[versionIndex] === way[PublisherWay.Gate]
        return isOpen && !this.#isClosed && this.#outbox.prepare(link as LinkWriter, units)
      },
      numbers: isFast ? this.#numbersOf(message, units, agent, route) : null,
      number: publishersMade++,
    }
    return lane
  }

  #numbersOf(
    message: Message<unknown>,
    units: number,
    agent: number,
    route: Route,
  ): PublisherNumbers {
    return {
      versionIndex,
      mask: (this.#region.layout.bulkRingBytes >>> 3) - 1,
      units,
      word0: (units << 3) | (FrameKind.Publish << FRAME_KIND_SHIFT),
      word1: (message.codec << FRAME_CODEC_SHIFT) | (agent << FRAME_SOURCE_SHIFT),
      subjectId: route.subjectId,
    }
  }
}

/** What the only receiver asks for; null: everything. */
function filtersOf({ destinations }: Route): readonly CompiledFilter[] | null {
  return destinations[0]?.filters ?? null
}

/** The same for the same filters. */
function textOf(filters: readonly CompiledFilter[] | null): string {
  return JSON.stringify(filters?.map(({ text }) => text))
}

/** @throws ERR_OPTION_INVALID */
function checkNames(message: Message<unknown>, names: unknown): StructCodec<unknown> {
  if (typeof message !== 'object' || message === null) {
    throw invalid('message', message, 'a message declared with fields')
  }
  const { struct, subject } = checkMessage(message)
  if (struct === null) {
    const data = { option: 'message', found: `${subject}, which has no fields` }
    throw new FlyshuttleError('ERR_OPTION_INVALID', { ...data, wanted: 'one declared with fields' })
  }
  const fields = Object.keys(struct.fields)
  const wanted = `each field of ${subject} once: ${fields.join(', ')}`
  if (!Array.isArray(names)) throw invalid('fields', names, wanted)
  const refuse = (found: string): never => {
    throw new FlyshuttleError('ERR_OPTION_INVALID', { option: 'fields', found, wanted })
  }
  const seen = new Set<unknown>()
  for (const name of names as unknown[]) {
    if (!fields.includes(name as string)) refuse(`a list with ${describe(name)}`)
    if (seen.has(name)) refuse(`a list with ${describe(name)} twice`)
    seen.add(name)
  }
  const missing = fields.filter((name) => !seen.has(name))
  if (missing.length > 0) refuse(`a list without ${missing.join(', ')}`)
  return struct
}
