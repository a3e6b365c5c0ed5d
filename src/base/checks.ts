// What options are checked by, wherever they are taken.

import { FlyshuttleError, describe } from './errors.js'

/** @throws ERR_OPTION_INVALID unless `value` is an integer within the bounds */
export function checkCount(option: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number
  }
  throw invalid(option, value, `an integer from ${min} to ${max}`)
}

/** @throws ERR_OPTION_INVALID unless `options` is an object that holds none but the known keys */
export function checkKeys(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid('options', options, `an object, for ${what}`)
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    throw invalid(key, (options as Record<string, unknown>)[key], `one of ${known.join(', ')}`)
  }
}

/** @throws ERR_OPTION_INVALID */
export function checkAddon(value: unknown): boolean | 'auto' {
  if (value === 'auto' || typeof value === 'boolean') return value
  throw invalid('addon', value, "true, false or 'auto'")
}

export function invalid(option: string, found: unknown, wanted: string): FlyshuttleError {
  return new FlyshuttleError('ERR_OPTION_INVALID', { option, found: describe(found), wanted })
}
