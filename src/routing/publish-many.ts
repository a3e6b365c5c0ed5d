// Many messages in one call. Each is accepted or not by itself, as if it had been published alone;
// an error says how many were accepted before it.

import { FlyshuttleError } from '../base/errors.js'

/**
 * Publishes each of `values`. Returns false when one of them found a receiver behind.
 *
 * @throws whatever `publish` throws; `data.accepted` says how many values came before it
 */
export function publishMany(
  values: Iterable<unknown>,
  publish: (value: unknown) => boolean,
): boolean {
  let accepted = 0
  let isBelowHighWater = true
  try {
    for (const value of values) {
      if (!publish(value)) isBelowHighWater = false
      accepted++
    }
  } catch (error) {
    if (error instanceof FlyshuttleError) {
      Object.assign(error, { data: { ...error.data, accepted } })
    }
    throw error
  }
  return isBelowHighWater
}
