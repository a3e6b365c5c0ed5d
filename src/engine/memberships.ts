// Which engines this thread takes part in. A thread has one place in an engine: two would share its
// turns of the loop, each as if it were alone.

import { FlyshuttleError } from '../base/errors.js'

const engines = new Set<string>()

/** @throws ERR_JOIN_REFUSED when this thread takes part already */
export function enterEngine(engineId: string): void {
  if (engines.has(engineId)) {
    const found = 'it takes part already'
    const wanted = 'one join in each thread; keep its result'
    throw new FlyshuttleError('ERR_JOIN_REFUSED', { found, wanted })
  }
  engines.add(engineId)
}

export function leaveEngine(engineId: string): void {
  engines.delete(engineId)
}
