// What thread 0 keeps for all threads of an engine: the registry of subscriptions, the dead letters
// and the directory of work queues, beside its own bus. Here it does what other threads ask of it
// by control frames, and hears of errors that nobody waits for.
//
// The engine object (`engine.ts`) is its face; `life.ts` starts and ends the threads that ask.

import { fromRecord } from '../codec/error-record.js'
import type { Region } from '../memory/region.js'
import type { NativeBinding } from '../native/binding.js'
import type { QueueDirectory } from '../queue/directory.js'
import { Bus } from './bus.js'
import type { EngineBoot, ErrorContext, RegistryRequest } from './control.js'
import { LetterOffice } from './letter-office.js'
import type { CheckedOptions } from './options.js'
import { createDirectory } from './queue-host.js'
import { Registry } from './registry.js'
import { tellUser } from './tell-user.js'

export class Hub {
  readonly bus: Bus
  readonly office: LetterOffice
  readonly queues: QueueDirectory
  readonly #registry: Registry
  readonly #onError: CheckedOptions['onError']

  constructor(
    region: Region,
    boot: EngineBoot,
    binding: NativeBinding | null,
    options: CheckedOptions,
  ) {
    this.#onError = options.onError
    const registry = new Registry(region)
    this.#registry = registry
    this.bus = new Bus(
      { ...boot, region, thread: 0, incarnation: 1, binding, ids: registry.takeIds(0) },
      {
        takeIds: async () => registry.takeIds(0),
        addSubscription: async (entry) => registry.add(entry),
        removeSubscription: async (id) => registry.remove([id]),
        askQueues: async (request) => this.queues.open(request.wish, 0),
        onControl: async (source, payload) => this.#answer(source, payload as RegistryRequest),
        onError: (error, context) => this.report(error, context),
        makeLetters: ({ sender }) => new LetterOffice(region, sender, options.deadLetters),
      },
    )
    this.office = this.bus.letters as LetterOffice
    this.queues = createDirectory(region, this.bus, this.office)
  }

  /** Subscription numbers for a thread to begin with. */
  takeIds(thread: number): number[] {
    return this.#registry.takeIds(thread)
  }

  /** Lets go of what a thread that died had here; returns how many subscriptions it had. */
  forget(thread: number): number {
    const listened = this.#registry.withdraw(thread)
    this.office.forget(thread)
    return listened
  }

  /** Tells `onError`. */
  report(error: unknown, context: ErrorContext): void {
    tellUser(() => this.#onError(error, context))
  }

  /** Does what another thread asks; the result is the reply. */
  async #answer(source: number, request: RegistryRequest): Promise<unknown> {
    switch (request.op) {
      case 'ids':
        return this.#registry.takeIds(source)
      case 'subscribe':
        return this.#registry.add(request.entry)
      case 'unsubscribe':
        return this.#registry.remove([request.id], source)
      case 'bury':
      case 'letters':
        return this.office.obey(source, request)
      case 'report':
        return this.report(fromRecord(request.error), request.context)
      case 'queue':
        return this.queues.open(request.wish, source)
    }
  }
}
