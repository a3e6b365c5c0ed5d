// The filters that subscriptions announce in the change log, compiled: equal texts share one.

import { ROUTES_CACHED_MAX } from '../base/limits.js'
import { CompiledFilter } from '../codec/filter.js'

export class FilterCache {
  readonly #compiled = new Map<string, CompiledFilter | null>()

  /** Null: every message is wanted. */
  of(text: string | undefined): CompiledFilter | null {
    if (text === undefined) return null
    let filter = this.#compiled.get(text)
    if (filter === undefined) {
      // Equal ones are then compiled anew. What waits for them is remembered by text.
      if (this.#compiled.size >= ROUTES_CACHED_MAX) this.#compiled.clear()
      this.#compiled.set(text, (filter = compile(text)))
    }
    return filter
  }
}

/** A text that no subscriber wrote keeps nothing back: the receiver decides, by its own rules. */
function compile(text: string): CompiledFilter | null {
  try {
    return new CompiledFilter(text)
  } catch {
    return null
  }
}
