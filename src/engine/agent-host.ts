// Hosts agents on one thread: starts an instance, connects its handlers, stops it.

import {
  markAgent,
  type AgentBatchOptions,
  type AgentContextBase,
  type AgentDefinition,
  type AgentHandler,
  type Answer,
  type AnyInfo,
  type Binding,
  type SubscribeOptions,
} from '../agent/agent.js'
import { policyText } from '../agent/queue-policy.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import type { RequestInfo } from '../agent/info.js'
import type { Handler } from '../agent/mailbox.js'
import type { Message, Rpc } from '../codec/message.js'
import type { LocalSubscription } from '../routing/target.js'
import type { Bus } from './bus.js'
import type { AgentOrder } from './control.js'
import { Endpoint } from './endpoint.js'

/**
 * What an agent's handlers and hooks get: who it is, its state, and everything one can do with
 * messages.
 */
export type AgentContext<State = unknown> = AgentContextBase<State> & Endpoint

/** A definition whose state nobody needs to know. */
export type AnyDefinition = AgentDefinition<unknown, AgentContext<unknown>>

/**
 * Defines an agent. Export it as the default of a file and start it with `engine.spawn(name,
 * file)`.
 *
 * @throws ERR_AGENT_INVALID when a key is unknown or has the wrong type
 * @example
 * export default defineAgent({
 *   name: 'delays',
 *   state: () => ({ total: 0 }),
 *   subscribe: [on(Flight, (flight, info, { state }) => { state.total += flight.delayMin })],
 *   handle: [on('delays.total', (_, info, { state }) => state.total)],
 * })
 */
export function defineAgent<State = undefined>(
  definition: AgentDefinition<State, AgentContext<NoInfer<State>>>,
): AgentDefinition<State, AgentContext<State>> {
  return markAgent(definition as never)
}

/**
 * Connects a handler to a message, an rpc or a subject pattern, within `defineAgent`.
 *
 * The handler gets the value, the info of the message, and the agent's context. Annotate the
 * context to have its state typed; `defineAgent` then checks that it is what `state()` makes.
 *
 * @example
 * on(Flight, (flight, info, { state }: AgentContext<Totals>) => { state.total += flight.delayMin })
 */
export function on<Q, R, State = any>(
  rpc: Rpc<Q, R>,
  handler: (value: Q, info: RequestInfo, context: AgentContext<State>) => Answer<NoInfer<R>>,
  options?: SubscribeOptions<NoInfer<Q>>,
): Binding<AgentContext<State>>
export function on<T, State = any>(
  message: Message<T>,
  handler: AgentHandler<T, unknown, AgentContext<State>>,
  options?: SubscribeOptions<NoInfer<T>>,
): Binding<AgentContext<State>>
export function on<State = any>(
  pattern: string,
  handler: AgentHandler<any, unknown, AgentContext<State>, AnyInfo>,
  options?: SubscribeOptions,
): Binding<AgentContext<State>>
export function on<T, State = any>(
  target: Message<T>,
  options: AgentBatchOptions<T, AgentContext<State>>,
): Binding<AgentContext<State>>
export function on<State = any>(
  pattern: string,
  options: AgentBatchOptions<any, AgentContext<State>>,
): Binding<AgentContext<State>>
export function on(
  target: string | Message<unknown> | Rpc<unknown, unknown>,
  handler: AgentHandler<never, unknown, never, never> | AgentBatchOptions<any, never>,
  options: SubscribeOptions = {},
): Binding<never> {
  if (typeof handler === 'object' && handler !== null) {
    const { onBatch, ...rest } = handler
    return { target, handler: onBatch, isBatch: true, options: rest }
  }
  return { target, handler, isBatch: false, options }
}

interface Hosted {
  readonly order: AgentOrder
  readonly definition: AnyDefinition
  readonly context: AgentContext
  readonly subscriptions: LocalSubscription[]
}

export class AgentHost {
  readonly #bus: Bus
  readonly #signal: AbortSignal
  readonly #agents = new Map<number, Hosted>()

  constructor(bus: Bus, signal: AbortSignal) {
    this.#bus = bus
    this.#signal = signal
  }

  /**
   * Starts one instance: state, onStart, then its subscriptions.
   *
   * @throws ERR_AGENT_START, ERR_SUBJECT_INVALID …
   */
  async start(order: AgentOrder, definition: AnyDefinition): Promise<void> {
    const { name, number } = order
    const context = this.#contextOf(order, definition)
    const hosted: Hosted = { order, definition, context, subscriptions: [] }
    this.#agents.set(number, hosted)
    try {
      await runHook('ERR_AGENT_START', name, () => definition.onStart?.(context))
      for (const binding of definition.subscribe ?? []) await this.#connect(hosted, binding, false)
      for (const binding of definition.handle ?? []) await this.#connect(hosted, binding, true)
    } catch (error) {
      this.#agents.delete(number)
      for (const subscription of hosted.subscriptions)
        await this.#bus.unsubscribe(subscription, false)
      throw error
    }
  }

  /**
   * Stops one instance: its messages are handled first, then onStop runs.
   *
   * @throws ERR_AGENT_STOP
   */
  async stop(number: number): Promise<void> {
    const hosted = this.#agents.get(number)
    if (hosted === undefined) return
    this.#agents.delete(number)
    await Promise.all(hosted.subscriptions.map((s) => this.#bus.unsubscribe(s)))
    await runHook('ERR_AGENT_STOP', hosted.order.name, () =>
      hosted.definition.onStop?.(hosted.context),
    )
  }

  /** Stops all of them. The first error is thrown after all have stopped. */
  async stopAll(): Promise<void> {
    const results = await Promise.allSettled([...this.#agents.keys()].map((n) => this.stop(n)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #contextOf(order: AgentOrder, definition: AnyDefinition): AgentContext {
    const { name, instance, config, number } = order
    const endpoint = new Endpoint(this.#bus, { agent: number, name })
    const own: AgentContextBase<unknown> = {
      name,
      instance,
      thread: this.#bus.thread,
      state: definition.state?.(),
      config,
      signal: this.#signal,
    }
    return Object.assign(endpoint, own)
  }

  async #connect(
    hosted: Hosted,
    binding: Binding<AgentContext<unknown>>,
    isResponder: boolean,
  ): Promise<void> {
    const { order, context } = hosted
    const { target, options } = binding
    const call = binding.handler as (...given: unknown[]) => unknown
    // Instances of one name share its work unless told not to; a single one needs no group.
    const queue = options.queue ?? (order.instances > 1 ? order.name : false)
    const party = { agent: order.number, name: order.name, context }
    const subscribe = (handler: Handler | null, more: object): Promise<LocalSubscription> => {
      const own = queue === false && !isResponder ? withoutPolicy(options) : { ...options, queue }
      const all = { ...own, ...more }
      return this.#bus.subscribe(target as string, handler, all, isResponder, party)
    }
    hosted.subscriptions.push(
      await (binding.isBatch
        ? subscribe(null, { onBatch: (messages: never) => call(messages, context) })
        : subscribe(call, {})),
    )
  }
}

/** For the only instance: nobody to share with, so nothing to choose. */
function withoutPolicy({ policy, weight: _weight, ...rest }: SubscribeOptions): SubscribeOptions {
  policyText(policy) // Throws when it is none.
  return { ...rest, queue: false }
}

async function runHook(
  code: 'ERR_AGENT_START' | 'ERR_AGENT_STOP',
  agent: string,
  hook: () => unknown,
): Promise<void> {
  try {
    await hook()
  } catch (error) {
    const found = error instanceof Error ? error.message : describe(error)
    throw new FlyshuttleError(code, { agent, found }, error)
  }
}
