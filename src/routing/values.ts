// The values filed under one pattern, in order of insertion, each once: an array while they are
// few, which costs least to walk and to keep; a Set beyond, so that taking one out of very many
// stays cheap.

import { VALUES_LISTED_MAX } from '../base/limits.js'

export type Values<T> = T[] | Set<T>

/** The values with one more: the same or a grown one. Null when it was there already. */
export function withValue<T>(values: Values<T> | null, value: T): Values<T> | null {
  if (values === null) return [value]
  if (!Array.isArray(values)) return values.has(value) ? null : values.add(value)
  if (values.includes(value)) return null
  if (values.length >= VALUES_LISTED_MAX) return new Set(values).add(value)
  values.push(value)
  return values
}

/** Takes one out. False when it was not there. */
export function dropValue<T>(values: Values<T>, value: T): boolean {
  if (!Array.isArray(values)) return values.delete(value)
  const index = values.indexOf(value)
  if (index === -1) return false
  values.splice(index, 1)
  return true
}

export function hasNone<T>(values: Values<T>): boolean {
  return (Array.isArray(values) ? values.length : values.size) === 0
}

export function addAll<T>(values: Values<T> | null, found: T[]): void {
  if (values === null) return
  if (Array.isArray(values)) {
    for (let index = 0; index < values.length; index++) found.push(values[index] as T)
  } else for (const value of values) found.push(value)
}
