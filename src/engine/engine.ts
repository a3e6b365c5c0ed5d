// The engine object: one per process as a rule, made on the main thread, which is thread 0 of it.
//
// It is a face. It makes the region and joins three parts: what thread 0 keeps for all threads is
// in `hub.ts`, how threads begin and end in `life.ts`, which agent runs where in `fleet.ts`. What
// it can do with messages is in `endpoint.ts`, the same as for agents.

import { randomUUID } from 'node:crypto'
import { checkKeys } from '../base/checks.js'
import { CLOSE_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import type { Rpc } from '../codec/message.js'
import { planGeometry } from '../memory/layout.js'
import { createRegion, type Region } from '../memory/region.js'
import type { LoadedBinding } from '../native/load.js'
import { bindingFor } from '../native/wanted.js'
import { startTrace } from '../observe/trace.js'
import { usableCores } from '../placement/cgroup.js'
import type { Answer, SubscribeOptions } from '../agent/agent.js'
import type { RequestInfo } from '../agent/info.js'
import { checkTimeoutMs } from '../routing/requests.js'
import { chunksOf, type ChunkStats } from './chunks.js'
import type { EngineBoot } from './control.js'
import type { Capabilities, ThreadInfo } from './described.js'
import { Endpoint } from './endpoint.js'
import type { AgentHandle, SpawnOptions } from './fleet.js'
import type { SubscriptionHandle } from './handles.js'
import { Hub } from './hub.js'
import type { JoinHandle } from './join.js'
import { Life } from './life.js'
import { checkOptions, type CheckedOptions, type EngineOptions } from './options.js'
import { Placing, canPlace, type PlacementInfo } from './placement.js'
import { statsOf, type EngineStats } from './stats.js'

/** Starts what `createEngine` is asked for. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const checked = checkOptions(options)
  const native = bindingFor(checked.addon)
  const { chunkBytes, ringBytes } = checked
  const geometry = planGeometry(checked.threadsMax, {
    chunkBytes,
    ...(ringBytes === undefined ? {} : { bulkRingBytes: ringBytes }),
  })
  startTrace(process.env['FLYSHUTTLE_TRACE'], 0)
  const placing = Placing.prepare(checked, native.binding, native.reason)
  const engine = new Engine(checked, createRegion(geometry, checked.name), native, placing)
  try {
    await engine.startThreads(checked.threads)
  } catch (error) {
    await engine.abandon()
    throw error
  }
  return engine
}

export class Engine extends Endpoint {
  readonly capabilities: Capabilities
  readonly #region: Region
  readonly #boot: EngineBoot
  readonly #hub: Hub
  readonly #life: Life
  readonly #placing: Placing

  /** Use `createEngine`. */
  constructor(
    options: CheckedOptions,
    region: Region,
    { binding, file, reason }: LoadedBinding,
    placing: Placing,
  ) {
    const { name, spinUs, spinBudgetUs, subjects } = options
    const { threads: count } = region.layout
    const bells = new Int32Array(new SharedArrayBuffer(count * 4))
    for (let thread = 0; thread < count; thread++) bells[thread] = binding?.createBell() ?? -1
    const available = usableCores()
    const cores = placing.coresOf(available)
    const hasAddon = binding !== null
    const { slots } = placing
    const shared = { bells, spinUs, spinBudgetUs, cores, slots, subjects }
    const boot = { ...shared, name, engineId: randomUUID(), memory: region.memory, hasAddon }
    placing.takeMain(region)
    const hub = new Hub(region, boot, binding, options)
    super(hub.bus, { agent: 0, name: '' })
    this.#region = region
    this.#boot = boot
    this.#hub = hub
    this.#life = new Life(region, boot, hub, placing, binding)
    this.#placing = placing
    this.capabilities = Object.freeze({
      addon: hasAddon,
      addonFile: file,
      addonReason: reason,
      placement: canPlace(binding),
      cores: available,
      frameBytesMax: region.layout.bulkRingBytes / 4,
      messageBytesMax: this.#life.reclaim.layout.bytesMax,
    })
  }

  /** What it is called in events: the option `name`. */
  get name(): string {
    return this.#boot.name
  }

  /** The threads that take part, the main thread first. */
  get threads(): readonly ThreadInfo[] {
    const life = this.#life
    return life.threads.taking.map((place) => ({
      index: place.thread,
      agents: life.fleet.namesOn(place),
      hasJoined: place.guest !== null,
      terminate: life.terminate.bind(life, place, place.incarnation),
    }))
  }

  /** Where the threads run and where their memory lies, and what of it was refused. */
  get placement(): PlacementInfo {
    return this.#placing.info(this.#life.threads.places)
  }

  /**
   * What all threads have counted so far, read from shared memory without asking them: works while
   * they are blocked, and costs them nothing. Plain data, fit for JSON. Also after `close`.
   *
   * Counts only grow: take two snapshots and divide by the difference of their `atMs`.
   *
   * @example
   * const { links, threads } = engine.stats()
   * console.table(links.map(({ from, to, frames, full }) => ({ from, to, frames, full })))
   */
  stats(): EngineStats {
    const { bus, office, queues } = this.#hub
    const { places } = this.#life.threads
    const { fleet } = this.#life
    const jobs = queues.stats()
    return statsOf(this.#region, this.#boot, bus.clock, places, fleet, office.info, jobs)
  }

  /**
   * Who keeps which block of shared memory, since when: large messages, jobs, loans, leases. Read
   * without asking the threads, so a leak shows also when they are stuck.
   */
  chunks(): ChunkStats {
    const { bus, queues } = this.#hub
    const { reclaim, threads, fleet } = this.#life
    return chunksOf(this.#region, reclaim, bus.clock.nowMs(), threads.places, fleet, queues)
  }

  /**
   * Starts an agent from a file whose default export is `defineAgent({ … })`, or, on the main
   * thread, from the definition itself. Resolves when all its subscriptions are in force.
   *
   * `file` is a URL, an absolute path, or a path relative to the working directory; `.ts`, `.mjs`
   * and `.js` alike.
   *
   * @throws (as rejection) ERR_AGENT_LOAD, ERR_AGENT_START, ERR_AGENT_NAME_TAKEN,
   * ERR_AGENT_INVALID, ERR_THREAD_LIMIT, ERR_CLOSED
   * @example
   * await engine.spawn('delays', new URL('./delays.ts', import.meta.url), { instances: 2 })
   */
  async spawn(
    name: string,
    agent: string | URL | { readonly name: string },
    options: SpawnOptions = {},
  ): Promise<AgentHandle> {
    this.#life.checkOpen('spawn')
    const { bus } = this.#hub
    bus.hold(true)
    try {
      return await this.#life.fleet.spawn(name, agent, options)
    } finally {
      bus.hold(false)
    }
  }

  /**
   * Without arguments: a handle with which Workers that somebody else made can `join`. It is plain
   * data, for `workerData` or `postMessage`, and serves as many threads as there are places
   * (`threadsMax`).
   *
   * With arguments: answers requests on a subject.
   *
   * @throws ERR_CLOSED
   * @example
   * const pool = new Piscina({ filename, workerData: { fly: engine.handle() } })
   * await engine.handle(Worst, ({ top }) => table.slice(0, top))
   */
  override handle(): JoinHandle
  override handle<Q, R>(
    rpc: Rpc<Q, R>,
    handler: (value: Q, info: RequestInfo) => Answer<NoInfer<R>>,
    options?: SubscribeOptions<NoInfer<Q>>,
  ): Promise<SubscriptionHandle>
  override handle<Q = any>(
    subject: string,
    handler: (value: Q, info: RequestInfo) => unknown,
    options?: SubscribeOptions,
  ): Promise<SubscriptionHandle>
  override handle(...given: any[]): any {
    if (given.length === 0) return this.#life.letJoin()
    return super.handle(...(given as Parameters<Endpoint['handle']>))
  }

  /** A running agent by name. @throws ERR_AGENT_UNKNOWN */
  agent(name: string): AgentHandle {
    return this.#life.fleet.find(name)
  }

  /**
   * Closes in order: agents are told (`context.signal`), what is under way is handled, `onStop`
   * hooks run, threads end. What is not done after `timeoutMs` (default 5000) is terminated, and
   * `onError` told. Do not await it in a handler: it waits for that handler. Calling it again waits
   * for the same end.
   *
   * @throws (as rejection) ERR_OPTION_INVALID
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    checkKeys('close', options, ['timeoutMs'])
    const timeoutMs = checkTimeoutMs(options.timeoutMs ?? CLOSE_TIMEOUT_MS_DEFAULT)
    await this.#life.close(timeoutMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For `createEngine`. */
  startThreads(count: number): Promise<void> {
    return this.#life.start(count)
  }

  /** Ends everything at once. For `createEngine`, when a thread does not start. */
  abandon(): Promise<void> {
    return this.#life.abandon()
  }
}
