// What threads ask of each other on the urgent lanes, beside messages: plain data, one reply each.

import type { ErrorRecord } from '../codec/error-record.js'
import type { Slot } from '../placement/plan.js'
import type { QueueWish } from '../queue/options.js'
import type { Subscription } from '../routing/change-log.js'
import type { SubjectPolicy } from '../routing/subject-rules.js'
import type { LetterRequest } from './letter-post.js'

/** Where an error came from that no caller waits for. */
export interface ErrorContext {
  readonly subject: string
  readonly thread: number
  /** Name of the agent whose handler failed; '' for the thread itself. */
  readonly agent: string
}

/** To thread 0, which keeps the registry and the dead letters. */
export type RegistryRequest =
  | LetterRequest
  | { readonly op: 'ids' }
  | { readonly op: 'subscribe'; readonly entry: Subscription }
  | { readonly op: 'unsubscribe'; readonly id: number }
  | { readonly op: 'report'; readonly error: ErrorRecord; readonly context: ErrorContext }
  | QueueRequest

/** To thread 0, which keeps the directory of work queues. */
export interface QueueRequest {
  readonly op: 'queue'
  readonly wish: QueueWish
}

/** To a worker, which hosts agents. */
export type ThreadRequest =
  | { readonly op: 'start'; readonly agent: AgentOrder }
  | { readonly op: 'stop'; readonly number: number }
  | { readonly op: 'closing' }
  | { readonly op: 'progress' }
  | { readonly op: 'close' }

/** What a thread that has joined says on its port when its part has ended. */
export const LEFT = 'left'

/** One instance of an agent, to be started on a thread. */
export interface AgentOrder {
  readonly name: string
  /** URL of the file whose default export is the definition. */
  readonly file: string
  readonly instance: number
  /** Instances of this name in all. */
  readonly instances: number
  /** Unique in the engine; frames carry it as their source. */
  readonly number: number
  readonly config: unknown
}

/** What every thread of one engine is told alike: plain data, cloned any number of times. */
export interface EngineBoot {
  /** Random, so that nobody meets it by chance. */
  readonly engineId: string
  /** What the engine is called in events. */
  readonly name: string
  readonly memory: SharedArrayBuffer
  readonly bells: Int32Array
  readonly hasAddon: boolean
  readonly spinUs: number
  readonly spinBudgetUs: number
  readonly cores: number
  /** Where each thread of the engine is to run. */
  readonly slots: readonly Slot[]
  /** How subjects are treated, and where what comes of it is counted. */
  readonly subjects: SubjectPolicy
}

/** What one thread is told; a worker of the engine finds it in its `workerData`. */
export interface ThreadBoot extends EngineBoot {
  readonly thread: number
  readonly incarnation: number
  readonly ids: number[]
}
