// What an agent is: a named role with handlers and state, living on one thread.
//
// An agent file exports one definition by default; `engine.spawn` starts instances of it. The
// definition says what the agent listens to and what it answers; the thread that hosts it
// (`engine/agent-host.ts`) does the rest.

import { FlyshuttleError, describe } from '../base/errors.js'
import type { Filter } from '../codec/filter-rule.js'
import type { Message, Rpc } from '../codec/message.js'
import type { BatchMessage } from './batch-mailbox.js'
import type { MessageInfo, RequestInfo } from './info.js'
import type { QueuePolicy } from './queue-policy.js'

type Awaitable<T> = T | PromiseLike<T>

/** How one subscription is served; `T` is what its messages carry. */
export interface SubscribeOptions<T = any> {
  /** How many messages an asynchronous handler may work on at one time. Default 1. */
  readonly concurrency?: number
  /** Messages that may wait for the handler before senders see Full. Default 1024. */
  readonly mailbox?: number
  /**
   * Subscriptions with the same queue name share messages: each goes to one of them. Instances of
   * one agent share those of the agent's name; `false`: each instance gets every message.
   */
  readonly queue?: string | false
  /**
   * How a sender chooses among the subscriptions of one queue, the responders of one subject or the
   * instances of an agent. All of them must have the same. Default `'round-robin'`.
   */
  readonly policy?: QueuePolicy<T>
  /** With policy `'weighted'`: its share, 1 to 1000, beside those of the others. Default 1. */
  readonly weight?: number
  /** Never holds a publisher back: what finds no room is skipped. Default false. */
  readonly lossy?: boolean
  /**
   * Hand over a view that reads struct fields from shared memory, instead of an object. Cheaper for
   * handlers that read one field; valid until the handler returns or first awaits. Default false.
   */
  readonly lazy?: boolean
  /**
   * Hand over a `Lease`: the bytes where they lie in shared memory, instead of a copy of them, for
   * messages of raw bytes. Release it when done, or have `using` do it; when the handler throws, it
   * is released. Default false.
   */
  readonly lease?: boolean
  /**
   * Which messages are wanted, by fields, headers or paths: `{ delayMin: { gte: 60 } }`. Asked by
   * the sender, so what is refused is never written. Default: all.
   */
  readonly filter?: Filter<T>
  /**
   * How many messages it takes; then it ends by itself, as if it had been unsubscribed. Not
   * together with a queue, whose other messages nobody would get. Default: no end.
   */
  readonly max?: number
  /**
   * Keep what could not be handled, in `engine.deadLetters`: the handler failed, the payload is of
   * another type, or the subscription ended with messages waiting. Costs a copy of each payload.
   * Not for `handle`: there the requester hears of it. Default false.
   */
  readonly deadLetter?: boolean
}

/** The same for a handler that takes several messages at once. */
export interface BatchOptions<T = any> extends SubscribeOptions<T> {
  /**
   * Called with what one look into the rings brought, at least one message. Not called again before
   * the promise it returned has settled. What it throws is told to `onError`.
   */
  readonly onBatch: (messages: readonly BatchMessage<T>[]) => unknown
  /** How many messages it gets at one time, at most. Default 256. */
  readonly batchMax?: number
}

/**
 * What handlers and hooks of an agent get besides the message. `Bus` is what the engine offers on
 * this thread.
 */
export interface AgentContextBase<State> {
  /** Name the agent was spawned with. */
  readonly name: string
  /** Which of its instances this is, from 0. */
  readonly instance: number
  /** Index of the thread it lives on; 0 is the main thread. */
  readonly thread: number
  /** What `state()` returned for this instance. */
  readonly state: State
  /** The plain data given as `config` to `spawn`. */
  readonly config: unknown
  /** Aborted when the engine begins to close: sources should stop then. */
  readonly signal: AbortSignal
}

export type AgentHandler<T, R, Context, Info = MessageInfo> = (
  value: T,
  info: Info,
  context: Context,
) => Awaitable<R>

/** `BatchOptions` within an agent: `onBatch` gets the agent's context, too. */
export type AgentBatchOptions<T, Context> = Omit<BatchOptions<T>, 'onBatch'> & {
  readonly onBatch: (messages: readonly BatchMessage<T>[], context: Context) => unknown
}

/**
 * What a handler of requests may return: the reply, or a stream of its parts for those who ask with
 * `requestStream`.
 */
export type Answer<R> = Awaitable<R | AsyncIterable<R> | Generator<R, unknown, undefined>>

/** What is told to a handler that may get publishes or requests. */
export type AnyInfo = MessageInfo & Partial<RequestInfo>

/** One entry of `subscribe` or `handle`; made by `on`. */
export interface Binding<Context> {
  readonly target: string | Message<unknown> | Rpc<unknown, unknown>
  /** For batches the `onBatch` of `AgentBatchOptions`. */
  readonly handler:
    AgentHandler<never, unknown, Context, never> | AgentBatchOptions<never, Context>['onBatch']
  readonly isBatch: boolean
  readonly options: SubscribeOptions
}

export interface AgentDefinition<State, Context> {
  readonly name: string
  /** Makes the state of one instance. Handlers find it as `context.state`. */
  readonly state?: () => State
  /** Publishes to listen to. */
  readonly subscribe?: readonly Binding<Context>[]
  /**
   * Requests to answer: what the handler returns is the reply, what it throws rejects the request.
   */
  readonly handle?: readonly Binding<Context>[]
  /** Runs before the first message; `spawn` rejects if it throws. */
  readonly onStart?: (context: Context) => unknown
  /** Runs after the last message, when the agent or the engine stops. */
  readonly onStop?: (context: Context) => unknown
}

const IS_AGENT = Symbol.for('flyshuttle.agent')

/** Marks a checked definition, so that a file that exports something else is told apart. */
export function markAgent<D extends AgentDefinition<never, never>>(definition: D): D {
  checkDefinition(definition)
  return Object.freeze(Object.assign(Object.create(null), definition, { [IS_AGENT]: true })) as D
}

export function isAgentDefinition(value: unknown): value is AgentDefinition<unknown, unknown> {
  return typeof value === 'object' && value !== null && IS_AGENT in value
}

const KNOWN_KEYS = new Set(['name', 'state', 'subscribe', 'handle', 'onStart', 'onStop'])

function checkDefinition(definition: unknown): void {
  const refuse = (found: string, wanted: string): never => {
    const agent = (definition as { name?: unknown } | null)?.name
    throw new FlyshuttleError('ERR_AGENT_INVALID', { agent: describe(agent), found, wanted })
  }
  if (typeof definition !== 'object' || definition === null) {
    refuse(describe(definition), 'a definition object')
  }
  const fields = definition as Record<string, unknown>
  for (const key of Object.keys(fields)) {
    if (!KNOWN_KEYS.has(key)) refuse(`the key ${key}`, [...KNOWN_KEYS].join(', '))
  }
  if (typeof fields['name'] !== 'string' || fields['name'] === '') {
    refuse(`name ${describe(fields['name'])}`, 'a name')
  }
  for (const key of ['state', 'onStart', 'onStop']) {
    if (fields[key] !== undefined && typeof fields[key] !== 'function') {
      refuse(`${key} ${describe(fields[key])}`, 'a function')
    }
  }
  for (const key of ['subscribe', 'handle']) {
    const bindings = fields[key]
    if (bindings === undefined) continue
    const isBound = (binding: { handler?: unknown } | null): boolean =>
      typeof binding?.handler === 'function'
    const isList = Array.isArray(bindings) && bindings.every(isBound)
    if (!isList) refuse(`${key} ${describe(bindings)}`, 'an array of on(subject, handler)')
  }
}
