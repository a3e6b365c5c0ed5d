// What an engine is called in events and in the trace: a process may have several, and all of them
// tell on the same channels.

import { isMainThread, threadId } from 'node:worker_threads'
import { invalid } from '../base/checks.js'
import { ENGINE_NAME_LENGTH_MAX } from '../base/limits.js'

/** Engines that this thread has made without a name. */
let made = 0

/** The name that was asked for, or the next one. @throws ERR_OPTION_INVALID */
export function engineName(wanted: unknown): string {
  if (wanted === undefined) {
    const where = isMainThread ? '' : ` of thread ${threadId}`
    return `engine ${++made}${where}`
  }
  if (typeof wanted === 'string' && wanted !== '' && wanted.length <= ENGINE_NAME_LENGTH_MAX) {
    return wanted
  }
  throw invalid('name', wanted, `a text of 1 to ${ENGINE_NAME_LENGTH_MAX} characters`)
}
