// Small regions, and the two ends of their links, for tests that play several threads on one.

import type { Clock } from '../../src/base/clock.js'
import { FRAME_HEADER_BYTES } from '../../src/base/limits.js'
import { Inbox, type InboxEvents } from '../../src/link/inbox.js'
import type { Doorbell } from '../../src/link/doorbell.js'
import { Outbox, type LinkWriter } from '../../src/link/outbox.js'
import { planGeometry, type Geometry } from '../../src/memory/layout.js'
import { createRegion, type Region } from '../../src/memory/region.js'
import { FRAME_KIND_SHIFT, FrameKind } from '../../src/ring/frame.js'
import { HandClock } from '../base/hand-clock.js'

export function smallRegion(threads: number, options: Partial<Geometry> = {}): Region {
  return createRegion(
    planGeometry(threads, {
      bulkRingBytes: 1024,
      urgentRingBytes: 1024,
      dictionaryBytes: 4096,
      changeLogBytes: 16384,
      queueBytes: 0,
      chunkBytes: 0,
      subscriptions: 128,
      ...options,
    }),
  )
}

/** Notes whom it was asked to ring. */
export class FakeDoorbell implements Doorbell {
  readonly rung: number[] = []

  ring(thread: number): void {
    this.rung.push(thread)
  }
  ref(): void {}
  unref(): void {}
  close(): void {}
}

export function outboxOf(region: Region, thread: number): { outbox: Outbox; bell: FakeDoorbell } {
  const outbox = new Outbox(region, thread)
  const bell = new FakeDoorbell()
  outbox.attach(bell)
  return { outbox, bell }
}

/** Commits a frame of `lengthBytes` whose first payload word is `mark`. False: no room. */
export function offer(region: Region, link: LinkWriter, mark: number, lengthBytes = 24): boolean {
  const start = link.ring.claim(lengthBytes)
  if (start < 0) return false
  const { i32 } = region.views
  i32[start >>> 2] = lengthBytes | (FrameKind.Publish << FRAME_KIND_SHIFT)
  i32[(start + FRAME_HEADER_BYTES) >>> 2] = mark
  link.ring.commit()
  return true
}

/** What an inbox told, in order. Frames are `source:mark`. */
export class InboxLog implements InboxEvents {
  readonly frames: string[] = []
  readonly rooms: number[] = []
  readonly corrupt: [number, string][] = []
  deaths = 0
  drained = 0
  inbox!: Inbox
  /** Runs within the handling of each frame. */
  onEach: (mark: number) => void = () => {}

  constructor(readonly region: Region) {}

  onFrame(offset: number): number {
    const mark = this.region.views.i32[(offset + FRAME_HEADER_BYTES) >>> 2] as number
    this.frames.push(`${this.inbox.source}:${mark}`)
    this.onEach(mark)
    return 0
  }
  onRoom(producer: number): void {
    this.rooms.push(producer)
  }
  onDeaths(): void {
    this.deaths++
  }
  onCorrupt(producer: number, found: string): void {
    this.corrupt.push([producer, found])
  }
  onDrained(): void {
    this.drained++
  }
}

export function inboxOf(
  region: Region,
  thread: number,
  clock: Clock = new HandClock(),
): { inbox: Inbox; log: InboxLog } {
  const log = new InboxLog(region)
  const inbox = new Inbox(region, thread, clock, log)
  log.inbox = inbox
  return { inbox, log }
}
