// Requests that are more than one plain request: made for another, whose deadline and signal they
// inherit, or moved on to another responder when the first one dies.

import { invalid } from '../base/checks.js'
import type { Clock } from '../base/clock.js'
import type { Rpc } from '../codec/message.js'
import type { RequestOptions } from '../routing/requests.js'
import { askIdempotently } from './idempotent.js'
import { withParent } from './parent.js'

export function isSpecial(options: RequestOptions): boolean {
  const isObject = typeof options === 'object' && options !== null
  return isObject && ('parent' in options || 'idempotent' in options)
}

/** Asks by `ask`, which makes a plain request with the options that it is given. */
export async function requestSpecially(
  ask: (options: RequestOptions) => Promise<unknown>,
  target: Rpc<any, any> | string,
  options: RequestOptions,
  clock: Clock,
): Promise<unknown> {
  const subject = typeof target === 'object' && target !== null ? target.subject : target
  const { parent, idempotent = false, ...plain } = withParent(options, subject)
  if (typeof idempotent !== 'boolean') throw invalid('idempotent', idempotent, 'true or false')
  return idempotent ? askIdempotently(ask, plain, clock) : ask(plain)
}
