// The agents of an engine, kept on the main thread: which runs where, starting, stopping, placing.

import { existsSync } from 'node:fs'
import { isAbsolute, resolve as resolvePath } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isAgentDefinition } from '../agent/agent.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import { INSTANCES_MAX, SPAWN_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { checkSubject } from '../routing/subject.js'
import type { AgentHost, AnyDefinition } from './agent-host.js'
import type { AgentOrder, ThreadRequest } from './control.js'
import { loadAgent } from './load-agent.js'
import { checkCount, checkKeys } from '../base/checks.js'
import { isTaken, type Place, type Threads } from './threads.js'

export interface SpawnOptions {
  /** How many instances to start; they share the agent's messages. Default 1. */
  readonly instances?: number
  /**
   * Where to run: 'main', a thread's index, or 'own' for a new thread each. Default: the worker
   * thread with the fewest agents, or the main thread when there are no workers.
   */
  readonly thread?: 'main' | 'own' | number
  /** Plain data for the agent, as `context.config`. */
  readonly config?: unknown
}

/** A running agent. */
export interface AgentHandle {
  readonly name: string
  /** Index of the thread of each instance. */
  readonly threads: readonly number[]
  /** Stops all instances; messages received by then are handled first. @throws ERR_AGENT_STOP */
  stop(): Promise<void>
}

const SPAWN_OPTIONS = ['instances', 'thread', 'config']

interface Instance {
  readonly order: AgentOrder
  readonly place: Place
}

interface Running {
  readonly name: string
  isSpawning: boolean
  readonly instances: Instance[]
}

export interface FleetHost {
  /** Starts a thread on a place that has none. */
  startThread(place: Place): Promise<void>
  /** Asks a worker to do something. */
  ask(place: Place, request: ThreadRequest, timeoutMs: number): Promise<unknown>
}

export class Fleet {
  readonly #threads: Threads
  readonly #mainHost: AgentHost
  readonly #host: FleetHost
  readonly #running = new Map<string, Running>()
  #agentNumber = 0

  constructor(threads: Threads, mainHost: AgentHost, host: FleetHost) {
    this.#threads = threads
    this.#mainHost = mainHost
    this.#host = host
  }

  async spawn(name: string, agent: unknown, options: SpawnOptions): Promise<AgentHandle> {
    checkSubject(name)
    checkKeys('spawn', options, SPAWN_OPTIONS)
    const instances = checkCount('instances', options.instances ?? 1, 1, INSTANCES_MAX)
    if (this.#running.has(name)) throw new FlyshuttleError('ERR_AGENT_NAME_TAKEN', { agent: name })
    const definition = isAgentDefinition(agent) ? (agent as AnyDefinition) : null
    const file = definition === null ? fileOf(name, agent) : ''
    const running: Running = { name, isSpawning: true, instances: [] }
    this.#running.set(name, running)
    try {
      for (let instance = 0; instance < instances; instance++) {
        const place = await this.#placeFor(definition === null ? options.thread : 'main')
        const number = this.#nextNumber()
        const { config } = options
        const order: AgentOrder = { name, file, instance, instances, number, config }
        const started = { order, place }
        running.instances.push(started)
        if (place.thread === 0) {
          await this.#mainHost.start(order, definition ?? (await loadAgent(name, file)))
        } else {
          await this.#host.ask(place, { op: 'start', agent: order }, SPAWN_TIMEOUT_MS_DEFAULT)
        }
        // Its thread may have died while it was starting; then `lose` has taken it out.
        if (!running.instances.includes(started)) throw diedEarly(place)
      }
      if (running.instances.length < instances) throw diedEarly(running.instances[0]?.place)
    } catch (error) {
      await Promise.allSettled(running.instances.map((started) => this.#stop(started)))
      if (this.#running.get(name) === running) this.#running.delete(name)
      throw error
    }
    running.isSpawning = false
    return this.#handleOf(running)
  }

  /** A running agent by name. @throws ERR_AGENT_UNKNOWN */
  find(name: string): AgentHandle {
    const running = this.#running.get(name)
    if (running === undefined) throw new FlyshuttleError('ERR_AGENT_UNKNOWN', { agent: name })
    return this.#handleOf(running)
  }

  namesOn(place: Place): string[] {
    return this.#instancesOn(place).map(({ order }) => order.name)
  }

  /** Name of the agent whose messages bear this number; null when it runs no more. */
  nameOf(number: number): string | null {
    for (const { instances } of this.#running.values()) {
      for (const { order } of instances) if (order.number === number) return order.name
    }
    return null
  }

  /** Forgets what lived on a place whose thread has died; returns the names. */
  lose(place: Place): string[] {
    const names = this.namesOn(place)
    for (const { order } of this.#instancesOn(place)) {
      const running = this.#running.get(order.name)
      if (running === undefined) continue
      running.instances.splice(
        running.instances.findIndex((i) => i.order === order),
        1,
      )
      // One that is still being spawned is taken out by `spawn` itself, which is about to reject.
      if (running.instances.length === 0 && !running.isSpawning) this.#running.delete(order.name)
    }
    return names
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
    // Not where a thread has joined: its owner may end it as he likes.
    const used = places.filter(({ isOwn }) => isOwn)
    const [least = main] = used.sort((a, b) => this.namesOn(a).length - this.namesOn(b).length)
    return least === main ? main : this.#started(least)
  }

  async #started(place: Place): Promise<Place> {
    if (!isTaken(place)) await this.#host.startThread(place)
    else await place.ready
    return place
  }

  async #stop({ order, place }: Instance): Promise<void> {
    const { number } = order
    if (place.thread === 0) await this.#mainHost.stop(number)
    else if (isTaken(place)) {
      await this.#host.ask(place, { op: 'stop', number }, SPAWN_TIMEOUT_MS_DEFAULT)
    }
  }

  #handleOf(running: Running): AgentHandle {
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

  /** Frames name their sender in 16 bits; numbers come round again after 65,535 spawns. */
  #nextNumber(): number {
    this.#agentNumber = (this.#agentNumber % 0xffff) + 1
    return this.#agentNumber
  }
}

function diedEarly(place: Place | undefined): FlyshuttleError {
  const found = 'one of the threads ended while the agent was starting'
  return new FlyshuttleError('ERR_THREAD_DIED', { thread: place?.thread ?? '?', found })
}

/** @throws ERR_AGENT_LOAD when the file does not exist, ERR_AGENT_INVALID when it is no file */
function fileOf(name: string, agent: unknown): string {
  if (!(agent instanceof URL) && typeof agent !== 'string') {
    const found = describe(agent)
    const wanted = 'a file (URL or path) or defineAgent({ … })'
    throw new FlyshuttleError('ERR_AGENT_INVALID', { agent: name, found, wanted })
  }
  const isUrl = agent instanceof URL || agent.startsWith('file:')
  const path = isUrl || isAbsolute(agent) ? agent : resolvePath(agent)
  const url = isUrl ? new URL(agent) : pathToFileURL(path as string)
  if (url.protocol === 'file:' && !existsSync(fileURLToPath(url))) {
    const file = url.href
    throw new FlyshuttleError('ERR_AGENT_LOAD', { agent: name, file, found: 'no such file' })
  }
  return url.href
}
