// The values filed under one pattern, in order of insertion, each once: one alone as it is, which
// spares two waits for memory in the usual case; an array while they are few; a Set beyond, so that
// taking one out of very many stays cheap. A value is never an array or a Set itself, nor null.

import { VALUES_LISTED_MAX } from '../base/limits.js'

export type Values<T> = T | T[] | Set<T>

/** The values with one more: the same or a grown one. Null when it was there already. */
export function withValue<T>(values: Values<T> | null, value: T): Values<T> | null {
  if (values === null) return value
  if (values instanceof Set) return values.has(value) ? null : values.add(value)
  if (!Array.isArray(values)) return values === value ? null : [values, value]
  if (values.includes(value)) return null
  if (values.length >= VALUES_LISTED_MAX) return new Set(values).add(value)
  values.push(value)
  return values
}

/** The values without one, null when there is no other; undefined when it was not there. */
export function withoutValue<T>(values: Values<T>, value: T): Values<T> | null | undefined {
  if (values instanceof Set) {
    if (!values.delete(value)) return undefined
    return values.size === 0 ? null : values
  }
  if (!Array.isArray(values)) return values === value ? null : undefined
  const index = values.indexOf(value)
  if (index === -1) return undefined
  if (values.length === 1) return null
  values.splice(index, 1)
  return values
}

export function addAll<T>(values: Values<T> | null, found: T[]): void {
  if (values === null) return
  if (Array.isArray(values)) {
    for (let index = 0; index < values.length; index++) found.push(values[index] as T)
  } else if (values instanceof Set) for (const value of values) found.push(value)
  else found.push(values)
}
