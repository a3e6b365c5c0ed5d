// Names what makes a payload impossible to encode, after the encoder has failed. Never on the hot
// path.

import { describe } from '../base/errors.js'

/** Past this many levels the stack of the encoder is the limit, wherever it is. */
const DEPTH_MAX = 1000

/** What is in the way and where: `a function (foo) at .a.b`; null when nothing was found. */
export function findUnsupported(payload: unknown): string | null {
  const ancestors = new Map<object, string>()
  const cleared = new Set<object>()
  try {
    return search(payload, '')
  } catch {
    return null
  }

  function search(value: unknown, path: string): string | null {
    if (typeof value === 'function' || typeof value === 'symbol') {
      return `${describe(value)} ${placeOf(path)}`
    }
    if (typeof value !== 'object' || value === null || cleared.has(value)) return null
    const above = ancestors.get(value)
    if (above !== undefined) return `a circle: ${placeOf(path).slice(3)} is ${whole(above)} again`
    if (ancestors.size === DEPTH_MAX) {
      return `more than ${DEPTH_MAX} levels ${placeOf(path.slice(0, 60))}`
    }
    ancestors.set(value, path)
    for (const [key, child] of childrenOf(value)) {
      const found = search(child, path + key)
      if (found !== null) return found
    }
    ancestors.delete(value)
    cleared.add(value)
    return null
  }
}

/**
 * The payload with each object literal that has a `toJSON` replaced by what that returns; the same
 * payload when there is none. Class instances, dates and buffers are the encoder's own business.
 */
export function applyToJson(payload: unknown): unknown {
  // Each object is converted once, however many paths lead to it.
  const converted = new Map<object, unknown>()
  return convert(payload)

  function convert(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    const known = converted.get(value)
    if (known !== undefined) return known
    const result = convertObject(value)
    converted.set(value, result)
    return result
  }

  function convertObject(value: object): unknown {
    if (Array.isArray(value)) return changedOr(value, value.map(convert))
    if (value instanceof Map) {
      const entries = [...value].map(([key, child]) => [key, convert(child)] as const)
      return entries.every(([key, child]) => value.get(key) === child) ? value : new Map(entries)
    }
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) return value
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON !== 'function') {
      const entries = Object.entries(value).map(([key, child]) => [key, convert(child)])
      return changedOr(value, Object.fromEntries(entries))
    }
    const json: unknown = toJSON.call(value, '')
    return json === value ? value : convert(json)
  }
}

/** The copy, or the original when no member differs. */
function changedOr(original: object, copy: object): object {
  const isSame = ([key, child]: [string, unknown]): boolean =>
    child === (original as Record<string, unknown>)[key]
  return Object.entries(copy).every(isSame) ? original : copy
}

function* childrenOf(value: object): Iterable<readonly [key: string, child: unknown]> {
  if (value instanceof Date || ArrayBuffer.isView(value)) return
  if (value instanceof Map) {
    for (const [key, child] of value) {
      yield ['.keys()', key]
      yield [`.get(${typeof key === 'string' ? JSON.stringify(key) : String(key)})`, child]
    }
  } else if (value instanceof Set) {
    for (const child of value) yield ['.values()', child]
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) yield [`[${i}]`, value[i]]
  } else {
    for (const [key, child] of Object.entries(value)) {
      yield [/^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, child]
    }
  }
}

function placeOf(path: string): string {
  return path === '' ? 'at the top' : `at ${path}`
}

function whole(path: string): string {
  return path === '' ? 'the whole payload' : path
}
