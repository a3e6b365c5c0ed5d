// A worker thread's part of the engine, whoever made the worker: its bus, the agents that it hosts,
// and what it does when thread 0 asks.
//
// `thread-main.ts` opens one for each worker that the engine starts, `join.ts` for a thread that
// somebody else made. Errors that nobody waits for go to thread 0, which tells `onError`.

import { SPAWN_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { toRecord } from '../codec/error-record.js'
import { openRegion } from '../memory/region.js'
import { sharedBinding } from '../native/wanted.js'
import { startTrace } from '../observe/trace.js'
import { takePlace, type Placed } from '../placement/place.js'
import type { Slot } from '../placement/plan.js'
import { AgentHost } from './agent-host.js'
import { Bus } from './bus.js'
import type { ErrorContext, RegistryRequest, ThreadBoot, ThreadRequest } from './control.js'
import { LetterPost } from './letter-post.js'
import { letterPartBytes } from './letters.js'
import { loadAgent } from './load-agent.js'

export class Member {
  readonly bus: Bus
  readonly agents: AgentHost
  readonly placed: Placed
  readonly #thread: number
  readonly #closing = new AbortController()
  /** Subscriptions in force: while there are any, the event loop stays. */
  readonly #listening = new Set<number>()
  #unreported = 0

  /** @throws ERR_LAYOUT_MISMATCH, ERR_ADDON_MISSING when only the engine has it */
  constructor(boot: ThreadBoot, slot: Slot) {
    this.#thread = boot.thread
    const binding = sharedBinding(boot.hasAddon)
    const region = openRegion(boot.memory, boot.name)
    // First of all: what this thread allocates from now on comes from its own node.
    this.placed = takePlace(binding, region, boot.thread, slot)
    startTrace(process.env['FLYSHUTTLE_TRACE'], boot.thread)
    this.bus = new Bus(
      { ...boot, region, binding },
      {
        takeIds: async () => (await this.#ask({ op: 'ids' })) as number[],
        addSubscription: async (entry) => {
          await this.#ask({ op: 'subscribe', entry })
          if (this.#listening.add(entry.id).size === 1) this.bus.hold(true)
        },
        removeSubscription: async (id) => {
          await this.#ask({ op: 'unsubscribe', id })
          if (this.#listening.delete(id) && this.#listening.size === 0) this.bus.hold(false)
        },
        askQueues: (request) => this.#ask(request),
        onControl: (_, payload) => this.#obey(payload as ThreadRequest),
        onError: (error, context) => this.#report(error, context),
        makeLetters: (bus) =>
          new LetterPost(
            (request, timeoutMs) => bus.control(0, request, timeoutMs),
            boot.incarnation,
            letterPartBytes(region),
          ),
      },
    )
    this.agents = new AgentHost(this.bus, this.signal)
  }

  /** Aborted when the engine begins to close. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  #ask(request: RegistryRequest): Promise<unknown> {
    return this.bus.control(0, request, SPAWN_TIMEOUT_MS_DEFAULT)
  }

  #report(error: unknown, context: ErrorContext): void {
    try {
      this.bus.tell(0, { op: 'report', error: toRecord(error), context })
    } catch {
      // The main thread does not keep up, or the engine is closing: counted, and said here at last.
      if (this.#unreported++ > 0) return
      const where = `[flyshuttle] thread ${this.#thread}, ${context.subject}`
      setTimeout(() => {
        const count = this.#unreported
        console.error(`${where}: ${count} errors could not be reported, the first:`, error)
        this.#unreported = 0
      }, 100)
    }
  }

  async #obey(request: ThreadRequest): Promise<unknown> {
    const { agents, bus } = this
    switch (request.op) {
      case 'start':
        return agents.start(request.agent, await loadAgent(request.agent.name, request.agent.file))
      case 'stop':
        return agents.stop(request.number)
      case 'closing':
        this.bus.streaming.stopProducing()
        return this.#closing.abort()
      case 'progress':
        return bus.progress()
      case 'close':
        try {
          bus.queues.close()
          await agents.stopAll()
          await bus.letters.settled()
        } finally {
          setImmediate(() => bus.close())
        }
    }
  }
}
