// What a bus is made from, and what it asks of the engine around it: the engine object on the main
// thread, a member on all others.

import type { NativeBinding } from '../native/binding.js'
import type { Region } from '../memory/region.js'
import type { Slot } from '../placement/plan.js'
import type { Subscription } from '../routing/change-log.js'
import type { SubjectPolicy } from '../routing/subject-rules.js'
import type { Bus } from './bus.js'
import type { ErrorContext } from './control.js'
import type { Letters } from './letters.js'
import type { QueueAsker } from './queue-host.js'

export interface BusOptions {
  readonly region: Region
  readonly thread: number
  readonly incarnation: number
  readonly binding: NativeBinding | null
  readonly bells: Int32Array
  readonly spinUs: number
  readonly spinBudgetUs: number
  readonly cores: number
  /** Subscription numbers to begin with. */
  readonly ids: number[]
  /** Where each thread of the engine runs. */
  readonly slots: readonly Slot[]
  /** How subjects are treated, and where what comes of it is counted. */
  readonly subjects: SubjectPolicy
}

/** What a bus asks of the engine around it. */
export interface BusHost extends QueueAsker {
  takeIds(): Promise<number[]>
  addSubscription(entry: Subscription): Promise<void>
  removeSubscription(id: number): Promise<void>
  /** A control frame from another thread; what it returns is the reply. */
  onControl(source: number, payload: unknown): Promise<unknown>
  /** An error that nobody waits for: a handler of a publish threw, a frame could not be read. */
  onError(error: unknown, context: ErrorContext): void
  /** This thread's access to the dead letters of the engine. */
  makeLetters(bus: Bus): Letters
}
