// What one message type needs on its way out of a thread: its route and, for a struct that often
// goes to one thread alone, an emitter: code compiled for writing this struct into that ring.
//
// Made when the thread first publishes the message; the sender keeps it at hand, so that publishing
// looks nothing up. The emitter goes by a gate: a word that holds the version of the routes for
// which its way is right. Any change of the routes moves the shared version past the gate; a
// message of the subject that has to wait shuts it (`Route.shut`). In both cases the next publish
// takes the long way, which opens the gate again once it may. Filters of the only receiver, and
// taps, stand in front of the emitter: a message that is not wanted costs no more than asking.

import { EMITTER_AFTER_MESSAGES, FRAME_HEADER_BYTES } from '../base/limits.js'
import { CodecId } from '../base/codec-id.js'
import { anyOf, type Test } from '../codec/filter.js'
import { filteringEmitter } from '../codec/filter-source.js'
import { NO_HEADERS } from '../codec/headers.js'
import type { Shape } from '../codec/flat.js'
import { flatEmitter } from '../codec/flat-emitter.js'
import type { Message } from '../codec/message.js'
import type { Emit, StructCodec } from '../codec/struct.js'
import type { LinkWriter } from '../link/outbox.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { HEADER_VERSION } from '../memory/layout.js'
import type { Views } from '../memory/region.js'
import { FRAME_CODEC_SHIFT, FRAME_KIND_SHIFT, FrameKind } from '../ring/frame.js'
import type { Destination } from './destinations.js'
import { laneInto, mayCompile, routeOf } from './emitter-lane.js'
import type { PayloadStage } from './payload.js'
import type { RequestOutlet } from './request-outlet.js'
import type { Route } from './route-table.js'

export class Outlet {
  readonly message: Message<unknown>
  readonly route: Route
  readonly #kept: { value: unknown } = { value: undefined }
  #messages = 0
  /** The way into `link`, or null: then nothing goes but the long way. */
  emit: Emit | null = null
  link: LinkWriter | null = null
  /** Whether `emit` looks at each message first, for filters and taps. */
  #isGuarded = false
  /** What it leads to when it does, and the receivers it looks for. */
  #behind: Emit | null = null
  #destinations: readonly Destination[] | null = null

  constructor(
    message: Message<unknown>,
    route: Route,
    /** The same for requests. */
    readonly requests: RequestOutlet,
  ) {
    this.message = message
    this.route = route
  }

  /** The fields that the emitter read and could not write. They are read from the message once. */
  takeKept(): unknown {
    const { value } = this.#kept
    this.#kept.value = undefined
    return value
  }

  /** To be called after each message that took the long way and was written. */
  learn(views: Views, dictionary: DictionaryWriter, stage: PayloadStage): void {
    const { solo } = this.route
    if (solo === null || this.route.packer !== null || this.route.parked.length > 0) return
    const isObject = this.message.codec === CodecId.Msgpack
    if (isObject && stage.shapeOf(this.message) === null) {
      this.emit = null
      this.link = null
    } else if (solo === this.link && this.route.isGuarded === this.#isGuarded) {
      const isStale = this.#isGuarded && this.#destinations !== this.route.destinations
      if (isStale) this.emit = this.#lookFirst(this.#behind as Emit, solo, views.i32)
      this.route.open()
    } else if (++this.#messages >= EMITTER_AFTER_MESSAGES) {
      if (isObject) this.#compileFlat(solo, views, stage.shapeOf(this.message))
      else this.#compile(solo, views, dictionary)
    }
  }

  /** Not for guarded routes: filters read the value, and the emitter reads it once more. */
  #compileFlat(link: LinkWriter, views: Views, shape: Shape | null): void {
    const { route } = this
    this.#messages = 0
    if (shape === null || route.isGuarded || route.subjectId === 0 || !mayCompile(link)) return
    this.#isGuarded = false
    this.emit = flatEmitter(views, shape, {
      ...this.#laneOf(link, link.frameBytesMax >>> 3),
      word0: FrameKind.Publish << FRAME_KIND_SHIFT,
      word1: CodecId.Flat << FRAME_CODEC_SHIFT,
      typeId: shape.typeId | 0,
    })
    this.link = link
    route.open()
  }

  #compile(link: LinkWriter, views: Views, dictionary: DictionaryWriter): void {
    const { struct, typeId, codec } = this.message
    const { route } = this
    this.#messages = 0
    if (struct === null || route.subjectId === 0 || !mayCompile(link)) return
    const lengthBytes = FRAME_HEADER_BYTES + struct.bytes
    if (lengthBytes > link.frameBytesMax) return
    if (!dictionary.addType(typeId, struct.canonical)) return
    const emit = struct.emitter(views, {
      ...this.#laneOf(link, lengthBytes >>> 3),
      word0: lengthBytes | (FrameKind.Publish << FRAME_KIND_SHIFT),
      word1: codec << FRAME_CODEC_SHIFT,
      typeId: typeId | 0,
    })
    this.#isGuarded = route.isGuarded
    this.emit = route.isGuarded ? this.#lookFirst(emit, link, views.i32) : emit
    this.link = link
    route.open()
  }

  #laneOf(link: LinkWriter, units: number) {
    const { route } = this
    const lane = laneInto(link, route.gate(link), this.#kept, units)
    return { ...lane, ...routeOf(link, route.subjectId) }
  }

  /**
   * The same emitter, behind the taps of the subject and the filters of its only receiver, as long
   * as the gate is open and they are the same. A message for a tap takes the long way; what no
   * filter lets through is done at once.
   */
  #lookFirst(emit: Emit, link: LinkWriter, i32: Int32Array): Emit {
    const { route, message } = this
    const { destinations, taps } = route
    const { typeId, fields } = message.struct as StructCodec<unknown>
    const filters = destinations[0]?.filters ?? null
    const gate = route.gate(link)
    const kept = this.#kept
    this.#behind = emit
    this.#destinations = destinations
    if (taps.length === 0) {
      const lane = { i32, versionIndex: VERSION_INDEX, gate, route, emit, kept }
      const filtering = filteringEmitter(filters, fields, lane)
      if (filtering !== null) return filtering
    }
    const isWanted =
      filters === null ? ALL : anyOf(filters.map((filter) => filter.testOf(typeId, fields)))
    return (value, agent) => {
      const isOpen = i32[VERSION_INDEX] === gate[0] && route.destinations === destinations
      if (!isOpen || taps.some(({ isNext }) => isNext)) {
        kept.value = value
        return -1
      }
      const outcome = isWanted(value, NO_HEADERS) ? emit(value, agent) : 0
      // On the long way they are counted there.
      if (outcome >= 0) for (const tap of taps) tap.take()
      return outcome
    }
  }
}

const ALL: Test = () => true
const VERSION_INDEX = HEADER_VERSION >>> 2
