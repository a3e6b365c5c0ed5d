// The engine object: one per process as a rule, made on the main thread, which is thread 0 of it.
//
// It creates the region, starts the threads, keeps the registry of subscriptions and agents, and closes everything
// in order. What it can do with messages is in `endpoint.ts`, the same as for agents.

import { existsSync } from 'node:fs'
import { isAbsolute, resolve as resolvePath } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isAgentDefinition } from '../agent/agent.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import { CLOSE_TIMEOUT_MS_DEFAULT, INSTANCES_MAX, SPAWN_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { fromRecord } from '../codec/error-record.js'
import { planGeometry } from '../memory/layout.js'
import { createRegion, type Region } from '../memory/region.js'
import type { NativeBinding } from '../native/binding.js'
import { loadBinding } from '../native/load.js'
import { checkSubject } from '../routing/subject.js'
import { AgentHost } from './agent-host.js'
import { Bus } from './bus.js'
import type { AgentOrder, RegistryRequest, ThreadRequest } from './control.js'
import { Endpoint } from './endpoint.js'
import { loadAgent, type AnyDefinition } from './load-agent.js'
import { checkCount, checkOptions, usableCores, type CheckedOptions, type EngineOptions } from './options.js'
import { Registry } from './registry.js'
import { Threads, type Place } from './threads.js'

/** What this engine can do on this machine. */
export interface Capabilities {
  /** The native addon is in use: eventfd wake-ups and spinning. */
  readonly addon: boolean
  /** Why the addon is not in use, or null. */
  readonly addonReason: string | null
  /** CPUs this process may keep busy. */
  readonly cores: number
  /** The largest frame of the bulk lane, header included, in bytes. */
  readonly frameBytesMax: number
}

export interface SpawnOptions {
  /** How many instances to start; they share the agent's messages. Default 1. */
  readonly instances?: number
  /** Where to run: 'main', a thread's index, or 'own' for a new thread each. Default: the thread with the fewest. */
  readonly thread?: 'main' | 'own' | number
  /** Plain data for the agent, as `context.config`. */
  readonly config?: unknown
}

/** A running agent. */
export interface AgentHandle {
  readonly name: string
  /** Index of the thread of each instance. */
  readonly threads: readonly number[]
  /** Stops all instances; messages already received are handled first. @throws ERR_AGENT_STOP */
  stop(): Promise<void>
}

/** A thread of the engine, for looking and for ending it. */
export interface ThreadInfo {
  readonly index: number
  /** Names of the agents that live on it. */
  readonly agents: readonly string[]
  /** Ends the thread at once, like a crash: what it had not flushed is lost. The main thread refuses. */
  terminate(): Promise<void>
}

interface Instance {
  readonly order: AgentOrder
  readonly place: Place
}

interface Running {
  readonly name: string
  readonly instances: Instance[]
}

/**
 * Starts an engine and its threads.
 *
 * @throws (as rejection) ERR_OPTION_INVALID, ERR_THREAD_LIMIT, ERR_ADDON_MISSING when `addon: true`
 * @example
 * await using engine = await createEngine({ threads: 2 })
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const checked = checkOptions(options)
  const { binding, reason } = checked.addon === false ? NO_ADDON : loadBinding()
  if (checked.addon === true && binding === null) {
    throw new FlyshuttleError('ERR_ADDON_MISSING', {
      found: reason,
      wanted: 'build/Release/flyshuttle.node; see `npm run build:native`',
    })
  }
  const geometry = planGeometry(
    checked.threadsMax,
    checked.ringBytes === undefined ? {} : { bulkRingBytes: checked.ringBytes },
  )
  const engine = new Engine(checked, createRegion(geometry), binding, reason)
  try {
    await engine.startThreads(checked.threads)
  } catch (error) {
    await engine.abandon()
    throw error
  }
  return engine
}

const NO_ADDON = { binding: null, reason: 'switched off by the option `addon: false`' } as const

export class Engine extends Endpoint {
  readonly capabilities: Capabilities
  readonly #bus: Bus
  readonly #host: AgentHost
  readonly #registry: Registry
  readonly #threads: Threads
  readonly #bells: Int32Array
  readonly #binding: NativeBinding | null
  readonly #onError: CheckedOptions['onError']
  readonly #running = new Map<string, Running>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | null = null
  #agentNumber = 0

  /** Use `createEngine`. */
  constructor(
    options: CheckedOptions,
    region: Region,
    binding: NativeBinding | null,
    reason: string | null,
  ) {
    const { spinUs, spinBudgetUs } = options
    const { threads: count } = region.layout
    const bells = new Int32Array(new SharedArrayBuffer(count * 4))
    for (let thread = 0; thread < count; thread++) bells[thread] = binding?.createBell() ?? -1
    const cores = usableCores()
    const registry = new Registry(region)
    const bus: Bus = new Bus(
      {
        region,
        thread: 0,
        incarnation: 1,
        binding,
        bells,
        spinUs,
        spinBudgetUs,
        cores,
        ids: registry.takeIds(0),
      },
      {
        takeIds: async () => registry.takeIds(0),
        addSubscription: async (entry) => registry.add(entry),
        removeSubscription: async (id) => registry.remove([id]),
        onControl: async (source, payload) => this.#onControl(source, payload as RegistryRequest),
        onError: (error, context) => options.onError(error, context),
      },
    )
    super(bus, { agent: 0, name: '' })
    this.#bus = bus
    this.#registry = registry
    this.#bells = bells
    this.#binding = binding
    this.#onError = options.onError
    this.#host = new AgentHost(bus, this.#closing.signal)
    this.#threads = new Threads(
      region,
      { memory: region.memory, bells, hasAddon: binding !== null, spinUs, spinBudgetUs, cores },
      { onDeath: (place, why) => this.#onDeath(place, why) },
    )
    this.capabilities = Object.freeze({
      addon: binding !== null,
      addonReason: reason,
      cores,
      frameBytesMax: region.layout.bulkRingBytes / 4,
    })
  }

  /** The threads that take part, the main thread first. */
  get threads(): readonly ThreadInfo[] {
    return this.#threads.places
      .filter(({ thread, worker }) => thread === 0 || worker !== null)
      .map((place) => ({
        index: place.thread,
        agents: this.#instancesOn(place).map(({ order }) => order.name),
        terminate: () => this.#terminate(place),
      }))
  }

  /**
   * Starts an agent from a file whose default export is `defineAgent({ … })`, or, on the main thread, from the
   * definition itself. Resolves when all its subscriptions are in force.
   *
   * `file` is a URL, an absolute path, or a path relative to the working directory; `.ts`, `.mjs` and `.js` alike.
   *
   * @throws (as rejection) ERR_AGENT_LOAD, ERR_AGENT_START, ERR_AGENT_NAME_TAKEN, ERR_AGENT_INVALID,
   * ERR_THREAD_LIMIT, ERR_CLOSED
   * @example
   * await engine.spawn('delays', new URL('./delays.ts', import.meta.url), { instances: 2 })
   */
  async spawn(
    name: string,
    agent: string | URL | { readonly name: string },
    options: SpawnOptions = {},
  ): Promise<AgentHandle> {
    this.#assertOpen('spawn')
    checkSubject(name)
    const instances = checkCount('instances', options.instances ?? 1, 1, INSTANCES_MAX)
    if (this.#running.has(name)) throw new FlyshuttleError('ERR_AGENT_NAME_TAKEN', { agent: name })
    const definition = isAgentDefinition(agent) ? (agent as AnyDefinition) : null
    const file = definition === null ? fileOf(name, agent) : ''
    const running: Running = { name, instances: [] }
    this.#running.set(name, running)
    this.#bus.hold(true)
    try {
      for (let instance = 0; instance < instances; instance++) {
        const place = await this.#placeFor(definition === null ? options.thread : 'main')
        const number = this.#nextAgentNumber()
        const { config } = options
        const order: AgentOrder = { name, file, instance, instances, number, config }
        running.instances.push({ order, place })
        if (place.thread === 0) {
          await this.#host.start(order, definition ?? (await loadAgent(name, file)))
        } else await this.#ask(place, { op: 'start', agent: order }, SPAWN_TIMEOUT_MS_DEFAULT)
      }
    } catch (error) {
      await Promise.allSettled(running.instances.map((started) => this.#stop(started)))
      this.#running.delete(name)
      throw error
    } finally {
      this.#bus.hold(false)
    }
    return this.#handleOfAgent(running)
  }

  /** A running agent by name. @throws ERR_AGENT_UNKNOWN */
  agent(name: string): AgentHandle {
    const running = this.#running.get(name)
    if (running === undefined) throw new FlyshuttleError('ERR_AGENT_UNKNOWN', { agent: name })
    return this.#handleOfAgent(running)
  }

  /**
   * Closes in order: agents are told (`context.signal`), what is under way is handled, `onStop` hooks run, threads
   * end. What is not done after `timeoutMs` (default 5000) is terminated. Calling it again returns the same promise.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? CLOSE_TIMEOUT_MS_DEFAULT
    if (this.#closed === null) {
      if (!(timeoutMs > 0)) {
        const found = describe(timeoutMs)
        const wanted = 'a number above 0'
        const error = new FlyshuttleError('ERR_OPTION_INVALID', { option: 'timeoutMs', found, wanted })
        return Promise.reject(error)
      }
      this.#closed = this.#close(timeoutMs)
    }
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For `createEngine`. */
  async startThreads(count: number): Promise<void> {
    const places = this.#threads.places.slice(1, count + 1)
    await Promise.all(places.map((p) => this.#threads.start(p, this.#registry.takeIds(p.thread))))
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadlineMs = this.#bus.clock.nowMs() + timeoutMs
    const leftMs = (): number => Math.max(1, deadlineMs - this.#bus.clock.nowMs())
    this.#bus.hold(true)
    this.#closing.abort()
    const workers = (): Place[] => this.#threads.places.filter(({ worker }) => worker !== null)
    const tell = async (place: Place, request: ThreadRequest): Promise<unknown> => {
      try {
        return await this.#ask(place, request, leftMs())
      } catch (error) {
        // A thread that dies while it is being closed is closed.
        if ((error as FlyshuttleError).code !== 'ERR_THREAD_DIED') throw error
        return { frames: 0, isIdle: true }
      }
    }
    const tellAll = (request: ThreadRequest): Promise<unknown[]> =>
      Promise.all(workers().map((place) => tell(place, request)))
    try {
      this.#bus.flush()
      await tellAll({ op: 'closing' })
      await this.#settle(() => tellAll({ op: 'progress' }), Math.min(leftMs() / 2, 1000))
      await this.#host.stopAll()
      for (const place of workers()) place.isClosing = true
      await tellAll({ op: 'close' })
      await Promise.race([
        Promise.all(workers().map((place) => place.ended)),
        new Promise((_, reject) => setTimeout(reject, leftMs(), new Error('deadline')).unref()),
      ])
    } catch (error) {
      this.#onError(error, { subject: '(close)', thread: 0, agent: '' })
    }
    await this.abandon()
  }

  /** Ends everything at once. For `createEngine`, when a thread does not start. */
  async abandon(): Promise<void> {
    const alive = this.#threads.places.filter(({ worker }) => worker !== null)
    await Promise.all(alive.map((place) => this.#end(place)))
    this.#bus.close()
    for (const bell of this.#bells) if (bell >= 0) this.#binding?.closeBell(bell)
    this.#bells.fill(-1)
  }

  /** Waits until nothing is under way anywhere: two looks in a row with no frame handled in between. */
  async #settle(look: () => Promise<unknown[]>, limitMs: number): Promise<void> {
    const untilMs = this.#bus.clock.nowMs() + limitMs
    let previous = -1
    while (this.#bus.clock.nowMs() < untilMs) {
      const all = [...(await look()), this.#bus.progress()] as { frames: number; isIdle: boolean }[]
      const isIdle = all.every((progress) => progress.isIdle)
      // Each look moves one control frame and one reply per worker; the rest is messages.
      const frames = all.reduce((sum, progress) => sum + progress.frames, 0)
      const expected = previous + 2 * (all.length - 1)
      if (isIdle && previous >= 0 && frames === expected) return
      previous = frames
    }
  }

  async #terminate(place: Place): Promise<void> {
    if (place.thread === 0) {
      const found = 'the main thread'
      throw new FlyshuttleError('ERR_OPTION_INVALID', { option: 'thread', found, wanted: 'a worker' })
    }
    await place.worker?.terminate()
    await place.ended
  }

  async #end(place: Place): Promise<void> {
    place.isClosing = true
    await place.worker?.terminate()
    await place.ended
  }

  #ask(place: Place, request: ThreadRequest, timeoutMs: number): Promise<unknown> {
    return this.#bus.control(place.thread, request, timeoutMs)
  }

  async #onControl(source: number, request: RegistryRequest): Promise<unknown> {
    switch (request.op) {
      case 'ids':
        return this.#registry.takeIds(source)
      case 'subscribe':
        return this.#registry.add(request.entry)
      case 'unsubscribe':
        return this.#registry.remove([request.id])
      case 'report':
        return this.#onError(fromRecord(request.error), request.context)
    }
  }

  #onDeath(place: Place, reason: unknown): void {
    const { thread } = place
    this.#registry.withdraw(thread)
    const lost = this.#instancesOn(place)
    for (const { order } of lost) {
      const running = this.#running.get(order.name)
      if (running === undefined) continue
      running.instances.splice(running.instances.findIndex((i) => i.order === order), 1)
      if (running.instances.length === 0) this.#running.delete(order.name)
    }
    for (const other of this.threads) this.#bus.ringAnyway(other.index)
    const found = reason instanceof Error ? reason.message : String(reason)
    const error = new FlyshuttleError('ERR_THREAD_DIED', { thread, found }, reason)
    this.#onError(error, { subject: '(thread)', thread, agent: lost.map((l) => l.order.name).join() })
  }

  #instancesOn(place: Place): Instance[] {
    return [...this.#running.values()].flatMap((r) => r.instances.filter((i) => i.place === place))
  }

  /** Where the next instance goes. A place whose thread has died gets a new one. */
  async #placeFor(wanted: SpawnOptions['thread']): Promise<Place> {
    const { places } = this.#threads
    const main = places[0] as Place
    if (wanted === 'main' || wanted === 0) return main
    if (wanted === 'own') return this.#started(this.#threads.vacant())
    if (wanted !== undefined) {
      return this.#started(places[checkCount('thread', wanted, 0, places.length - 1)] as Place)
    }
    const used = places.filter(({ thread, incarnation }) => thread > 0 && incarnation > 0)
    const [least = main] = used.sort((a, b) => this.#instancesOn(a).length - this.#instancesOn(b).length)
    return least === main ? main : this.#started(least)
  }

  async #started(place: Place): Promise<Place> {
    if (place.worker === null) await this.#threads.start(place, this.#registry.takeIds(place.thread))
    return place
  }

  async #stop(instance: Instance): Promise<void> {
    const { order, place } = instance
    if (place.thread === 0) await this.#host.stop(order.number)
    else if (place.worker !== null) {
      await this.#ask(place, { op: 'stop', number: order.number }, SPAWN_TIMEOUT_MS_DEFAULT)
    }
  }

  #handleOfAgent(running: Running): AgentHandle {
    return {
      name: running.name,
      threads: running.instances.map(({ place }) => place.thread),
      stop: async () => {
        if (this.#running.get(running.name) !== running) return
        this.#running.delete(running.name)
        await Promise.all(running.instances.map((instance) => this.#stop(instance)))
      },
    }
  }

  #nextAgentNumber(): number {
    this.#agentNumber = (this.#agentNumber % 0xffff) + 1
    return this.#agentNumber
  }

  #assertOpen(what: string): void {
    if (this.#closed !== null) throw new FlyshuttleError('ERR_CLOSED', { found: what })
  }
}

/** @throws ERR_AGENT_LOAD when the file does not exist */
function fileOf(name: string, agent: unknown): string {
  if (!(agent instanceof URL) && typeof agent !== 'string') {
    const found = describe(agent)
    const wanted = 'a file (URL or path) or defineAgent({ … })'
    throw new FlyshuttleError('ERR_AGENT_INVALID', { agent: name, found, wanted })
  }
  const isUrl = agent instanceof URL || agent.startsWith('file:')
  const url = isUrl
    ? new URL(agent)
    : pathToFileURL(isAbsolute(agent) ? agent : resolvePath(agent))
  if (url.protocol === 'file:' && !existsSync(fileURLToPath(url))) {
    throw new FlyshuttleError('ERR_AGENT_LOAD', { agent: name, file: url.href, found: 'no such file' })
  }
  return url.href
}
