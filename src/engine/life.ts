// How the threads of an engine begin and end, seen from thread 0: starting them, letting others
// join, what a death entails, closing in order, and giving back what belongs to no thread.
//
// `threads.ts` knows one thread at a time, `closing.ts` the steps of an orderly end; here they are
// joined with the hub and with the agents. The engine object (`engine.ts`) is its only user.

import { threadId, type MessagePort } from 'node:worker_threads'
import { FlyshuttleError } from '../base/errors.js'
import { ofThread, tell } from '../base/events.js'
import { ChunkReclaim } from '../link/chunk-reclaim.js'
import { EngineState } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import type { NativeBinding } from '../native/binding.js'
import { AgentHost } from './agent-host.js'
import { closeThreads } from './closing.js'
import type { EngineBoot } from './control.js'
import { Fleet } from './fleet.js'
import type { Hub } from './hub.js'
import { HANDLE_VERSION, type JoinHandle } from './join.js'
import type { Placing } from './placement.js'
import { Door, type Admission } from './reception.js'
import { isTaken, Threads, type Place } from './threads.js'

export class Life {
  readonly threads: Threads
  readonly fleet: Fleet
  readonly reclaim: ChunkReclaim
  readonly #boot: EngineBoot
  readonly #hub: Hub
  readonly #placing: Placing
  readonly #binding: NativeBinding | null
  readonly #door: Door
  readonly #agents: AgentHost
  readonly #closing = new AbortController()
  #closed: Promise<void> | null = null

  constructor(
    region: Region,
    boot: EngineBoot,
    hub: Hub,
    placing: Placing,
    binding: NativeBinding | null,
  ) {
    const { bus } = hub
    this.#boot = boot
    this.#hub = hub
    this.#placing = placing
    this.#binding = binding
    this.#agents = new AgentHost(bus, this.#closing.signal)
    this.#door = new Door(boot.engineId, region, (port) => this.#admit(port))
    this.reclaim = new ChunkReclaim(region, (waiting) => bus.wake(waiting))
    this.threads = new Threads(region, boot, {
      onGone: ({ thread }) => {
        // In this order: what a job had that nobody will find is free then.
        hub.queues.forget(thread)
        this.reclaim.reclaim(thread)
      },
      onDeath: (place, why, wasReady) => this.#onDeath(place, why, wasReady),
    })
    this.fleet = new Fleet(this.threads, this.#agents, {
      startThread: (place) => this.#start(place),
      ask: (place, request, timeoutMs) => bus.control(place.thread, request, timeoutMs),
    })
  }

  /** @throws ERR_CLOSED from the beginning of `close` on; `what` was to be done */
  checkOpen(what: string): void {
    if (this.#closed !== null) throw new FlyshuttleError('ERR_CLOSED', { found: what })
  }

  /** Starts the first threads. */
  async start(count: number): Promise<void> {
    this.#placing.check()
    await Promise.all(this.threads.places.slice(1, count + 1).map((place) => this.#start(place)))
  }

  async #start(place: Place): Promise<void> {
    await this.threads.start(place, this.#hub.takeIds(place.thread))
    try {
      this.#placing.check(place.placed)
    } catch (error) {
      await this.#end(place)
      throw error
    }
  }

  /** With what it returns, threads that somebody else made can join. @throws ERR_CLOSED */
  letJoin(): JoinHandle {
    this.checkOpen('handle')
    this.#door.open()
    return Object.freeze({ flyshuttle: 'engine', version: HANDLE_VERSION, threadId, ...this.#boot })
  }

  #admit(port: MessagePort): Admission {
    const { thread, incarnation } = this.threads.admit(port)
    return { thread, incarnation, ids: this.#hub.takeIds(thread) }
  }

  /** As if the thread had died. @throws (as rejection) ERR_OPTION_INVALID for one not our own */
  async terminate(place: Place, incarnation: number): Promise<void> {
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

  #onDeath(place: Place, reason: unknown, wasReady: boolean): void {
    const { thread, incarnation } = place
    const listened = this.#hub.forget(thread)
    const agents = this.fleet.lose(place)
    const agent = agents.join()
    // The announcement set every ready bit and said "awake" for everybody: only a bell wakes now.
    for (const { thread: other } of this.threads.taking) this.#hub.bus.ringAnyway(other)
    // One that joined and listened to nothing takes nothing with it: its owner ended it.
    const isMissed = place.isOwn || listened > 0 || agent !== ''
    const found = reason instanceof Error ? reason.message : String(reason)
    // One that left in order has seen to what it had, and hears itself what went wrong.
    if (place.hasLeft) return
    const of = ofThread(this.#boot.name, thread)
    tell('dead', () => ({ ...of, incarnation, reason: found, agents }))
    if (!wasReady || !isMissed) return
    const error = new FlyshuttleError('ERR_THREAD_DIED', { thread, found }, reason)
    this.#hub.report(error, { subject: '(thread)', thread, agent })
  }

  /** Closes in order; again: waits for the same end. */
  async close(timeoutMs: number): Promise<void> {
    await (this.#closed ??= this.#close(timeoutMs))
  }

  async #close(timeoutMs: number): Promise<void> {
    const { bus, queues } = this.#hub
    this.#door.close(EngineState.Closing)
    bus.hold(true)
    this.#closing.abort()
    bus.flush()
    await closeThreads(
      {
        bus,
        agents: this.#agents,
        places: this.threads.places.filter(isTaken),
        queues,
        onError: (error, thread) =>
          this.#hub.report(error, { subject: '(close)', thread, agent: '' }),
      },
      timeoutMs,
    )
    await this.abandon()
  }

  /** Ends everything at once. */
  async abandon(): Promise<void> {
    this.#door.close(EngineState.Closed)
    await Promise.all(this.threads.places.filter(isTaken).map((place) => this.#end(place)))
    this.#hub.bus.close()
    this.reclaim.reclaim(0)
    this.reclaim.freeSlots()
    const { bells } = this.#boot
    for (const bell of bells) if (bell >= 0) this.#binding?.closeBell(bell)
    bells.fill(-1)
    this.#placing.releaseMain()
  }

  async #end(place: Place): Promise<void> {
    place.isClosing = true
    await place.worker?.terminate()
    place.guest?.close()
    await place.ended
  }
}
