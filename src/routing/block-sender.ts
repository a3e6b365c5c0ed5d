// Sends the requests of `requestEach`, as many as there is room for.
//
// The rest waits as one parcel in the line of the subject, which is written value by value as room
// appears; later messages of the subject line up behind it. It is charged to nobody's overflow: its
// caller waits for it.

import type { Message } from '../codec/message.js'
import type { Region } from '../memory/region.js'
import type { Envelope } from './envelope.js'
import { keysOf } from './key.js'
import { emptyParcel } from './parcel.js'
import type { Parking } from './parking.js'
import type { PayloadStage } from './payload.js'
import { noResponders } from './requests.js'
import type { RequestBlock } from './request-blocks.js'
import type { RequestOutlet } from './request-outlet.js'
import type { Route, RouteTable } from './route-table.js'
import type { Transmitter } from './transmitter.js'
import { ask } from './wanted.js'

export class BlockSender {
  readonly #i32: Int32Array
  readonly #routes: RouteTable
  readonly #stage: PayloadStage
  readonly #transmitter: Transmitter
  readonly #parking: Parking

  constructor(
    region: Region,
    routes: RouteTable,
    stage: PayloadStage,
    transmitter: Transmitter,
    parking: Parking,
  ) {
    this.#i32 = region.views.i32
    this.#routes = routes
    this.#stage = stage
    this.#transmitter = transmitter
    this.#parking = parking
  }

  /**
   * False: some of it waits for room.
   *
   * @throws what a request does, for the value under way
   */
  send(
    route: Route,
    message: Message<unknown> | null,
    agent: number,
    block: RequestBlock,
    envelope: Envelope,
    outlet: RequestOutlet | null,
  ): boolean {
    const { subject } = route
    const stage = this.#stage
    const transmitter = this.#transmitter
    const parcel = { ...emptyParcel(), agent, envelope, request: block }
    let isParked = false
    const write = (given: unknown): boolean => {
      let value = given
      if (outlet !== null && outlet.isOpen) {
        if (outlet.send(value, agent, block, false)) return true
        value = outlet.takeKept()
      }
      this.#routes.refresh(route)
      const passed = ask(route, message, value, envelope.headers, this.#i32)
      if (passed === null || transmitter.isUnanswered(route, passed)) throw noResponders(subject)
      parcel.keys = keysOf(route.keyFields, value, envelope.key)
      stage.stage(message, subject, value)
      parcel.codec = stage.codec
      parcel.typeId = stage.typeId
      parcel.passed = passed
      transmitter.check(route, parcel)
      transmitter.tap(route, parcel)
      if (!isParked && route.parked.length > 0) return false
      if (transmitter.solo(route, parcel) || transmitter.all(route, parcel, true)) {
        outlet?.learn()
        return true
      }
      if (transmitter.isDeserted(route, parcel)) throw noResponders(subject)
      return false
    }
    if (block.feed(write)) return true
    isParked = true
    block.keepValues()
    let isFeeding = false
    const feed = (): boolean => {
      // A getter of the value under way may have everything that waits be written.
      if (isFeeding) return false
      isFeeding = true
      try {
        return block.feed(write)
      } finally {
        isFeeding = false
      }
    }
    this.#parking.park(route, { ...parcel, feed })
    return false
  }
}
