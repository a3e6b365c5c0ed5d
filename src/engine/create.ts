// The way to an engine. What only the main thread of an engine needs is loaded here, when it makes
// one: agents import the package, too, and their threads hold nothing of that.

import type { Engine } from './engine.js'
import type { EngineOptions } from './options.js'

/**
 * Starts an engine and its threads.
 *
 * @throws (as rejection) ERR_OPTION_INVALID, ERR_THREAD_LIMIT, ERR_ADDON_MISSING if `addon: true`,
 * ERR_PLACEMENT_UNAVAILABLE
 * @example
 * await using engine = await createEngine({ threads: 2 })
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { startEngine } = await import('./engine.js')
  return startEngine(options)
}
