// The engine object: one per process as a rule, made on the main thread, which is thread 0 of it.
//
// It creates the region, starts the threads, keeps the registry of subscriptions, and closes
// everything in order. What it can do with messages is in `endpoint.ts`, the same as for agents;
// which agent runs where is in `fleet.ts`.

import { randomUUID } from 'node:crypto'
import { threadId, type MessagePort } from 'node:worker_threads'
import { checkKeys } from '../base/checks.js'
import { FlyshuttleError } from '../base/errors.js'
import { tell, threadName } from '../base/events.js'
import { CLOSE_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { fromRecord } from '../codec/error-record.js'
import type { Rpc } from '../codec/message.js'
import { ChunkReclaim } from '../link/chunk-reclaim.js'
import { EngineState, planGeometry } from '../memory/layout.js'
import { createRegion, type Region } from '../memory/region.js'
import type { NativeBinding } from '../native/binding.js'
import type { LoadedBinding } from '../native/load.js'
import { bindingFor } from '../native/wanted.js'
import { startTrace } from '../observe/trace.js'
import { usableCores } from '../placement/cgroup.js'
import type { Answer, SubscribeOptions } from '../agent/agent.js'
import type { RequestInfo } from '../agent/info.js'
import { AgentHost } from './agent-host.js'
import { Bus } from './bus.js'
import { chunksOf, type ChunkStats } from './chunks.js'
import { closeThreads } from './closing.js'
import type { EngineBoot, ErrorContext, RegistryRequest } from './control.js'
import { Endpoint } from './endpoint.js'
import type { SubscriptionHandle } from './handles.js'
import { Fleet, type AgentHandle, type SpawnOptions } from './fleet.js'
import { HANDLE_VERSION, type JoinHandle } from './join.js'
import { checkOptions, type CheckedOptions, type EngineOptions } from './options.js'
import { LetterOffice } from './letter-office.js'
import { Placing, canPlace, type PlacementInfo } from './placement.js'
import type { QueueDirectory } from '../queue/directory.js'
import { checkTimeoutMs } from '../routing/requests.js'
import { Door, type Admission } from './reception.js'
import { createDirectory } from './queue-host.js'
import { tellUser } from './tell-user.js'
import { Registry } from './registry.js'
import { statsOf, type EngineStats } from './stats.js'
import { isTaken, Threads, type Place } from './threads.js'
import type { Capabilities, ThreadInfo } from './described.js'

/**
 * Starts an engine and its threads.
 *
 * @throws (as rejection) ERR_OPTION_INVALID, ERR_THREAD_LIMIT, ERR_ADDON_MISSING if `addon: true`,
 * ERR_PLACEMENT_UNAVAILABLE
 * @example
 * await using engine = await createEngine({ threads: 2 })
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const checked = checkOptions(options)
  const native = bindingFor(checked.addon)
  const { chunkBytes, ringBytes } = checked
  const geometry = planGeometry(checked.threadsMax, {
    chunkBytes,
    ...(ringBytes === undefined ? {} : { bulkRingBytes: ringBytes }),
  })
  startTrace(process.env['FLYSHUTTLE_TRACE'], 0)
  const placing = Placing.prepare(checked, native.binding, native.reason)
  const engine = new Engine(checked, createRegion(geometry), native, placing)
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
  readonly #bus: Bus
  readonly #host: AgentHost
  readonly #registry: Registry
  readonly #office: LetterOffice
  readonly #queues: QueueDirectory
  readonly #door: Door
  readonly #boot: EngineBoot
  readonly #threads: Threads
  readonly #reclaim: ChunkReclaim
  readonly #fleet: Fleet
  readonly #bells: Int32Array
  readonly #binding: NativeBinding | null
  readonly #placing: Placing
  readonly #onError: CheckedOptions['onError']
  readonly #closing = new AbortController()
  #closed: Promise<void> | null = null

  /** Use `createEngine`. */
  constructor(
    options: CheckedOptions,
    region: Region,
    { binding, file, reason }: LoadedBinding,
    placing: Placing,
  ) {
    const { spinUs, spinBudgetUs, subjects } = options
    const { threads: count } = region.layout
    const bells = new Int32Array(new SharedArrayBuffer(count * 4))
    for (let thread = 0; thread < count; thread++) bells[thread] = binding?.createBell() ?? -1
    const cores = usableCores()
    const registry = new Registry(region)
    const hasAddon = binding !== null
    const { slots } = placing
    const shared = { bells, spinUs, spinBudgetUs, cores: placing.coresOf(cores), slots, subjects }
    const boot = { ...shared, engineId: randomUUID(), memory: region.memory, hasAddon }
    placing.takeMain(region)
    const bus: Bus = new Bus(
      { ...shared, region, thread: 0, incarnation: 1, binding, ids: registry.takeIds(0) },
      {
        takeIds: async () => registry.takeIds(0),
        addSubscription: async (entry) => registry.add(entry),
        removeSubscription: async (id) => registry.remove([id]),
        askQueues: async (request) => this.#queues.open(request.wish, 0),
        onControl: async (source, payload) => this.#obey(source, payload as RegistryRequest),
        onError: (error, context) => this.#report(error, context),
        makeLetters: ({ sender }) => new LetterOffice(region, sender, options.deadLetters),
      },
    )
    super(bus, { agent: 0, name: '' })
    this.#region = region
    this.#bus = bus
    this.#registry = registry
    this.#office = bus.letters as LetterOffice
    this.#queues = createDirectory(region, bus, this.#office)
    this.#bells = bells
    this.#binding = binding
    this.#placing = placing
    this.#onError = options.onError
    this.#host = new AgentHost(bus, this.#closing.signal)
    this.#boot = boot
    this.#door = new Door(boot.engineId, region, (port) => this.#admit(port))
    this.#reclaim = new ChunkReclaim(region, (waiting) => bus.wake(waiting))
    this.#threads = new Threads(region, boot, {
      onGone: ({ thread }) => void this.#reclaim.reclaim(thread),
      onDeath: (place, why, wasReady) => this.#onDeath(place, why, wasReady),
    })
    this.#fleet = new Fleet(this.#threads, this.#host, {
      startThread: (place) => this.#startThread(place),
      ask: (place, request, timeoutMs) => bus.control(place.thread, request, timeoutMs),
    })
    this.capabilities = Object.freeze({
      addon: hasAddon,
      addonFile: file,
      addonReason: reason,
      placement: canPlace(binding),
      cores,
      frameBytesMax: region.layout.bulkRingBytes / 4,
      messageBytesMax: this.#reclaim.layout.bytesMax,
    })
  }

  /** The threads that take part, the main thread first. */
  get threads(): readonly ThreadInfo[] {
    return this.#threads.places
      .filter((place) => place.thread === 0 || isTaken(place))
      .map((place) => ({
        index: place.thread,
        agents: this.#fleet.namesOn(place),
        hasJoined: place.guest !== null,
        terminate: this.#terminate.bind(this, place, place.incarnation),
      }))
  }

  /** Where the threads run and where their memory lies, and what of it was refused. */
  get placement(): PlacementInfo {
    return this.#placing.info(this.#threads.places)
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
    const { clock } = this.#bus
    const { places } = this.#threads
    return statsOf(this.#region, this.#boot, clock, places, this.#fleet, this.#office.info)
  }

  /**
   * Who keeps which block of shared memory, since when: large messages, loans and leases. Read
   * without asking the threads, so a leak shows also when they are stuck.
   */
  chunks(): ChunkStats {
    const nowMs = this.#bus.clock.nowMs()
    return chunksOf(this.#region, this.#reclaim, nowMs, this.#threads.places, this.#fleet)
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
    if (this.#closed !== null) throw new FlyshuttleError('ERR_CLOSED', { found: 'spawn' })
    this.#bus.hold(true)
    try {
      return await this.#fleet.spawn(name, agent, options)
    } finally {
      this.#bus.hold(false)
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
    handler: (value: Q, info: RequestInfo) => Answer<R>,
    options?: SubscribeOptions<NoInfer<Q>>,
  ): Promise<SubscriptionHandle>
  override handle<Q = any>(
    subject: string,
    handler: (value: Q, info: RequestInfo) => unknown,
    options?: SubscribeOptions,
  ): Promise<SubscriptionHandle>
  override handle(...given: any[]): any {
    if (given.length === 0) return this.#makeHandle()
    return super.handle(...(given as Parameters<Endpoint['handle']>))
  }

  /** A running agent by name. @throws ERR_AGENT_UNKNOWN */
  agent(name: string): AgentHandle {
    return this.#fleet.find(name)
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
    await (this.#closed ??= this.#close(timeoutMs))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For `createEngine`. */
  async startThreads(count: number): Promise<void> {
    this.#placing.check()
    await Promise.all(this.#threads.places.slice(1, count + 1).map((p) => this.#startThread(p)))
  }

  /** Ends everything at once. For `createEngine`, when a thread does not start. */
  async abandon(): Promise<void> {
    this.#door.close(EngineState.Closed)
    await Promise.all(this.#workers().map((place) => this.#end(place)))
    this.#bus.close()
    this.#reclaim.reclaim(0)
    for (const bell of this.#bells) if (bell >= 0) this.#binding?.closeBell(bell)
    this.#bells.fill(-1)
    this.#placing.releaseMain()
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#door.close(EngineState.Closing)
    this.#bus.hold(true)
    this.#closing.abort()
    this.#bus.flush()
    await closeThreads(
      {
        bus: this.#bus,
        agents: this.#host,
        places: this.#workers(),
        queues: this.#queues,
        onError: (error, thread) => this.#report(error, { subject: '(close)', thread, agent: '' }),
      },
      timeoutMs,
    )
    await this.abandon()
  }

  #workers(): Place[] {
    return this.#threads.places.filter(isTaken)
  }

  async #startThread(place: Place): Promise<void> {
    await this.#threads.start(place, this.#registry.takeIds(place.thread))
    try {
      this.#placing.check(place.placed)
    } catch (error) {
      await this.#end(place)
      throw error
    }
  }

  async #terminate(place: Place, incarnation: number): Promise<void> {
    if (place.thread === 0) {
      const data = { option: 'thread', found: 'the main thread', wanted: 'a worker' }
      throw new FlyshuttleError('ERR_OPTION_INVALID', data)
    }
    if (place.guest !== null) {
      const data = { option: 'thread', found: 'one that joined', wanted: 'a worker of the engine' }
      throw new FlyshuttleError('ERR_OPTION_INVALID', data)
    }
    // A successor on its place is another thread.
    if (place.incarnation !== incarnation) return
    await place.worker?.terminate()
    await place.ended
  }

  async #end(place: Place): Promise<void> {
    place.isClosing = true
    await place.worker?.terminate()
    place.guest?.close()
    await place.ended
  }

  #makeHandle(): JoinHandle {
    if (this.#closed !== null) throw new FlyshuttleError('ERR_CLOSED', { found: 'handle' })
    this.#door.open()
    return Object.freeze({ flyshuttle: 'engine', version: HANDLE_VERSION, threadId, ...this.#boot })
  }

  #admit(port: MessagePort): Admission {
    const { thread, incarnation } = this.#threads.admit(port)
    return { thread, incarnation, ids: this.#registry.takeIds(thread) }
  }

  async #obey(source: number, request: RegistryRequest): Promise<unknown> {
    switch (request.op) {
      case 'ids':
        return this.#registry.takeIds(source)
      case 'subscribe':
        return this.#registry.add(request.entry)
      case 'unsubscribe':
        return this.#registry.remove([request.id], source)
      case 'bury':
      case 'letters':
        return this.#office.obey(source, request)
      case 'report':
        return this.#report(fromRecord(request.error), request.context)
      case 'queue':
        return this.#queues.open(request.wish, source)
    }
  }

  #onDeath(place: Place, reason: unknown, wasReady: boolean): void {
    const { thread, incarnation } = place
    const listened = this.#registry.withdraw(thread)
    this.#office.forget(thread)
    const agents = this.#fleet.lose(place)
    const agent = agents.join()
    // The announcement set every ready bit and said "awake" for everybody: only a bell wakes now.
    for (const { index } of this.threads) this.#bus.ringAnyway(index)
    // One that joined and listened to nothing takes nothing with it: its owner ended it.
    const isMissed = place.isOwn || listened > 0 || agent !== ''
    const found = reason instanceof Error ? reason.message : String(reason)
    const name = threadName(thread)
    // One that left in order has seen to what it had, and hears itself what went wrong.
    if (place.hasLeft) return
    tell('dead', () => ({ thread, name, incarnation, reason: found, agents }))
    if (!wasReady || !isMissed) return
    const error = new FlyshuttleError('ERR_THREAD_DIED', { thread, found }, reason)
    this.#report(error, { subject: '(thread)', thread, agent })
  }

  #report(error: unknown, context: ErrorContext): void {
    tellUser(() => this.#onError(error, context))
  }
}
