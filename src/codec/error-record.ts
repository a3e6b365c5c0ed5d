// Errors on their way to another thread, as plain data that msgpack carries.
//
// Structured clone drops an error's `name` and `code` and the `code` of its cause, so the engine
// carries errors itself: the thread where a handler threw makes a record, the requester's thread
// revives it as a `FlyshuttleError`. What must stay true: whatever was thrown, `toRecord` returns a
// record and never throws, and a record is bounded, because the reply that carries it has to fit a
// frame.

import { describe, FlyshuttleError, type ErrorData } from '../base/errors.js'

const CAUSES_MAX = 8
const ERRORS_MAX = 8
const TEXT_LENGTH_MAX = 2000
const BRIEF_LENGTH_MAX = 100
const DATA_ENTRIES_MAX = 32
const DATA_DEPTH_MAX = 3

/** One error as plain data. `errors` are those of an AggregateError. */
export interface ErrorRecord {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
  readonly stack: string
  readonly cause: ErrorRecord | null
  readonly errors: readonly ErrorRecord[]
}

/**
 * The record of anything that was thrown. An error without a `code` gets ERR_HANDLER. Causes are
 * kept eight deep; data that is not plain is described by a text; long texts are cut, and say so.
 */
export function toRecord(error: unknown): ErrorRecord {
  return recordOf(error, CAUSES_MAX)
}

/** The same without stack, data and causes: for a frame that cannot hold more. */
export function toBriefRecord(error: unknown): ErrorRecord {
  const { name, code, message } = toRecord(error)
  const brief = cut(message, BRIEF_LENGTH_MAX)
  return { ...plainRecord(brief), name: cut(name, BRIEF_LENGTH_MAX), code }
}

/**
 * The error that a record tells of: its own `code`, `message`, `data` and `cause`. The name it had
 * is in `data.name` unless that was FlyshuttleError, the errors of an AggregateError in
 * `data.errors`; its stack is the remote one.
 */
export function fromRecord(record: ErrorRecord): FlyshuttleError {
  return revive(record, CAUSES_MAX)
}

function recordOf(error: unknown, causesLeft: number): ErrorRecord {
  try {
    if (typeof error !== 'object' || error === null) return plainRecord(thrownText(error))
    const message = read(error, 'message')
    if (typeof message !== 'string') return plainRecord(`a handler threw ${describe(error)}`)
    const name = read(error, 'name')
    const code = read(error, 'code')
    const stack = read(error, 'stack')
    const cause = read(error, 'cause')
    const errors = read(error, 'errors')
    const hasCode = (typeof code === 'string' && code !== '') || typeof code === 'number'
    return {
      name: typeof name === 'string' ? cut(name) : 'Error',
      code: hasCode ? cut(String(code)) : 'ERR_HANDLER',
      message: cut(message),
      data: dataOf(read(error, 'data')),
      stack: typeof stack === 'string' ? cut(stack) : '',
      cause: cause === undefined || causesLeft === 0 ? null : recordOf(cause, causesLeft - 1),
      errors:
        Array.isArray(errors) && causesLeft > 0
          ? errors.slice(0, ERRORS_MAX).map((one) => recordOf(one, causesLeft >> 1))
          : [],
    }
  } catch {
    return plainRecord('a handler threw a value that cannot be read')
  }
}

function plainRecord(message: string): ErrorRecord {
  const none = { data: {}, stack: '', cause: null, errors: [] }
  return { name: 'Error', code: 'ERR_HANDLER', message, ...none }
}

function thrownText(value: unknown): string {
  return typeof value === 'string' ? cut(value) : `a handler threw ${describe(value)}`
}

/** A property of a foreign object, whose getters may throw. */
function read(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

/** What ends a text that was cut, also by whoever sent it here. */
const CUT = / … \((\d+) more characters\)$/

/** A text that is too long says at its end that it was cut, and what is missing. */
function cut(text: string, lengthMax = TEXT_LENGTH_MAX): string {
  if (text.length <= lengthMax) return text
  const before = CUT.exec(text)
  const whole = before === null ? text : text.slice(0, before.index)
  if (whole.length <= lengthMax) return text
  const left = whole.length - lengthMax + Number(before?.[1] ?? 0)
  return `${whole.slice(0, lengthMax)} … (${left} more characters)`
}

function dataOf(data: unknown): Record<string, unknown> {
  const plain = plainOf(data, DATA_DEPTH_MAX)
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return {}
  return plain as Record<string, unknown>
}

/** A copy of plain data, a description of all else. */
function plainOf(value: unknown, depthLeft: number): unknown {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'function' || typeof value === 'symbol') return describe(value)
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : describe(value)
  if (typeof value !== 'object' || value === null) return value
  try {
    if (depthLeft > 0 && Array.isArray(value)) {
      return value.slice(0, DATA_ENTRIES_MAX).map((item) => plainOf(item, depthLeft - 1))
    }
    const prototype: unknown = Object.getPrototypeOf(value)
    if (depthLeft > 0 && (prototype === Object.prototype || prototype === null)) {
      const keys = Object.keys(value).slice(0, DATA_ENTRIES_MAX)
      return Object.fromEntries(keys.map((key) => [key, plainOf(read(value, key), depthLeft - 1)]))
    }
    return describe(value)
  } catch {
    return 'a value that cannot be read'
  }
}

function revive(record: Partial<ErrorRecord> | null, causesLeft: number): FlyshuttleError {
  // The record was written by another thread: take it for what it may be, not for what it should
  // be.
  const { name, code, message, data, stack, cause, errors } = record ?? {}
  const revived: Record<string, unknown> = { ...(data as ErrorData | undefined) }
  if (typeof name === 'string' && name !== 'FlyshuttleError' && !Object.hasOwn(revived, 'name')) {
    revived.name = name
  }
  if (Array.isArray(errors) && errors.length > 0 && causesLeft > 0) {
    revived.errors = errors.map((one) => revive(one, causesLeft >> 1))
  }
  const hasCause = typeof cause === 'object' && cause !== null && causesLeft > 0
  const error = FlyshuttleError.revive(
    typeof code === 'string' ? code : 'ERR_HANDLER',
    typeof message === 'string' ? message : 'the error that was sent cannot be read',
    revived,
    hasCause ? revive(cause, causesLeft - 1) : undefined,
  )
  if (typeof stack === 'string' && stack !== '') {
    Object.defineProperty(error, 'stack', {
      value: `${stack}\n    at (another thread)`,
      writable: true,
      configurable: true,
    })
  }
  return error
}
