// Every error that Flyshuttle can raise, in one catalogue.
//
// Expected outcomes on the hot path are returned, never thrown (see `tryPublish`). What is thrown
// or rejected is a `FlyshuttleError`: wrong use, or a world that fails. Its message is filled from
// the catalogue below and names the thing, the value found and the value wanted. `docs/errors.md`
// lists the same codes; a test compares both.

/** Code → message. `{name}` is replaced by the `name` entry of the error's `data`. */
export const ERROR_CATALOGUE = {
  ERR_ABORTED: 'request {subject} was aborted by its signal',
  ERR_ADDON_MISSING: 'the native addon was asked for but cannot be loaded: {found}\n{advice}',
  ERR_AGENT_INVALID: 'agent {agent} is not valid: {found}; wanted {wanted}',
  ERR_AGENT_LOAD: 'agent {agent} cannot be loaded from {file}: {found}',
  ERR_AGENT_NAME_TAKEN:
    'an agent named {agent} is already running; give `instances` to run several',
  ERR_AGENT_START: 'agent {agent} failed in onStart: {found}',
  ERR_AGENT_STOP: 'agent {agent} failed in onStop: {found}',
  ERR_AGENT_UNKNOWN: 'no agent named {agent} is running',
  ERR_BACKPRESSURE:
    '{subject}: no room and the overflow buffer is full ({found} bytes waiting; at most ' +
    '{wanted}); await drained() or send()',
  ERR_CHANNEL_CLOSED: 'channel {subject} is closed: {found} is not possible any more',
  ERR_CHANNEL_TAKEN: 'channel {subject}: its {found} has been opened before; wanted one of each',
  ERR_CHUNKS_EXHAUSTED: 'no block of shared memory is free for {found} bytes: {wanted}',
  ERR_COMPRESSION_UNAVAILABLE: 'compression {algorithm} cannot be had: {found}; wanted {wanted}',
  ERR_CLOSED: 'the engine is closed, or this thread has left it: {found} is not possible any more',
  ERR_DEAD_LETTERS_FULL: 'no room for a dead letter of {subject}: {found}; at most {wanted}',
  ERR_DICTIONARY_FULL:
    'the dictionary of thread {thread} is full ({found} bytes wanted; {wanted} left)',
  ERR_FILTER_INVALID: 'filter of {subject}: {path} is {found}; wanted {wanted}',
  ERR_EXPIRED: '{subject}: no room within the {wanted} ms after which nobody wants the message',
  ERR_FRAME_CORRUPT:
    'thread {thread} wrote a frame that cannot be read: {found}; wanted {wanted}; ' +
    'the link is closed',
  ERR_HANDLE_INVALID: 'the handle is {found}; wanted {wanted}',
  ERR_HANDLER: 'the handler of {subject} failed: {found}',
  ERR_INFO_EXPIRED:
    '`{found}` was read after the handler returned or awaited; copy what you need before',
  ERR_JOIN_REFUSED: 'this thread cannot join the engine: {found}; wanted {wanted}',
  ERR_JOB_LATE:
    'queue {queue}: delivery {found} of a job is over: {wanted}; it is being delivered again',
  ERR_JOB_SETTLED: 'queue {queue}: the delivery was settled before, by {found}; wanted once',
  ERR_LAYOUT_MISMATCH: 'the region has {field} {found}; wanted {wanted}',
  ERR_LEASE_ENDED: 'the lease of a message on {subject} was read after it was {found}',
  ERR_LETTER_UNKNOWN: 'there is no dead letter {found}: replayed, purged or dropped meanwhile',
  ERR_LOAN_ENDED: 'the loan was used after it was {found}; wanted a fresh one',
  ERR_MESSAGE_TOO_LARGE: '{subject}: the message takes {found} bytes; at most {wanted} fit a frame',
  ERR_NO_RESPONDERS: 'nobody handles requests on {subject}',
  ERR_OPTION_INVALID: 'option {option} is {found}; wanted {wanted}',
  ERR_PACKAGE_MISSING:
    'worker threads run a file of the package flyshuttle: {found}; wanted it among the ' +
    'node_modules of {wanted}',
  ERR_PAYLOAD_INVALID: '{subject}: field {field} is {found}; wanted {wanted}',
  ERR_PAYLOAD_UNSUPPORTED: '{subject}: the payload holds {found}; wanted {wanted}',
  ERR_PLACEMENT_UNAVAILABLE: 'placement {placement} cannot be had: {found}; wanted {wanted}',
  ERR_QUORUM_MISSED: '{subject}: {found} replies came or can come; wanted {wanted}',
  ERR_REPLAY_REFUSED: 'dead letter {letter} of {subject} stays: {found}; wanted {wanted}',
  ERR_QUEUE_AREA_FULL:
    'queue {queue}: no room in the region for it ({found} bytes left; {wanted} wanted)',
  ERR_QUEUE_FULL: 'queue {queue} is full: {found}; at most {wanted}',
  ERR_QUEUE_MISMATCH: 'queue {queue} is open with {setting} {found}; wanted {wanted}',
  ERR_RESPONDER_DIED: 'the thread that handled {subject} ended before it replied',
  ERR_RESPONDER_STOPPED: 'whoever handled {subject} stopped before its stream ended',
  ERR_SCHEMA_INVALID: 'schema of {subject}: {field} is {found}; wanted {wanted}',
  ERR_STREAM_TAKEN: 'the replies of {subject} can be iterated once, and they are or were already',
  ERR_STREAM_UNASKED: '{subject} replies with a stream; ask with requestStream()',
  ERR_SUBJECT_INVALID: 'subject {subject} is not valid: {found}; wanted {wanted}',
  ERR_SUBSCRIPTION_LIMIT: 'no room for another subscription: {found}; at most {wanted}',
  ERR_THREAD_DIED: 'thread {thread} ended: {found}',
  ERR_THREAD_LIMIT: 'no room for another thread: {found} wanted; at most {wanted}',
  ERR_TIMEOUT: 'no reply on {subject} within {wanted} ms',
  ERR_TYPE_MISMATCH: '{subject}: the message has type {found}; wanted {wanted}',
  ERR_TYPE_UNKNOWN:
    '{subject}: type {found} is in no dictionary; wanted a type written by thread {thread}',
} as const

export type ErrorCode = keyof typeof ERROR_CATALOGUE

export type ErrorData = Readonly<Record<string, unknown>>

const BRAND = Symbol.for('flyshuttle.error')

/**
 * The one error class. Branch on `code`, never on `message`.
 *
 * `data` holds the values that fill the message (plain data), `cause` what led to it. An error that
 * a handler threw on another thread arrives with its own `code` and `message`, so `code` may be
 * outside the catalogue. `instanceof` also holds between two copies of the package.
 *
 * @example
 * try { engine.publish(Flight, { …bad }) } catch (error) {
 *   if (error instanceof FlyshuttleError && error.code === 'ERR_PAYLOAD_INVALID') {
 *     console.log(error.data.field)
 *   }
 * }
 */
export class FlyshuttleError extends Error {
  readonly code: ErrorCode | (string & {})
  readonly data: ErrorData

  constructor(code: ErrorCode, data: ErrorData = {}, cause?: unknown) {
    super(fillMessage(code, data), cause === undefined ? undefined : { cause })
    this.name = 'FlyshuttleError'
    this.code = code
    this.data = data
  }

  /** An error that crossed a thread: its own code and message instead of the catalogue's. */
  static revive(code: string, message: string, data: ErrorData, cause?: unknown): FlyshuttleError {
    // The catalogue's message is not filled: `data` is foreign, and may not even turn into text.
    const error = new FlyshuttleError('ERR_HANDLER', {}, cause)
    error.message = message
    return Object.assign(error, { code, data })
  }

  get [BRAND](): true {
    return true
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}

function fillMessage(code: ErrorCode, data: ErrorData): string {
  return ERROR_CATALOGUE[code].replace(/\{(\w+)\}/g, (_, name: string) => String(data[name] ?? '?'))
}

/** Short text for a value found, for messages: the type and, where it helps, the value. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value)
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return `a function${value.name === '' ? '' : ` (${value.name})`}`
    case 'symbol':
      return `a symbol (${String(value.description)})`
    default:
      if (value === null) return 'null'
      if (Array.isArray(value)) return `an array of ${value.length}`
      return `an object (${(value as object).constructor?.name ?? 'no prototype'})`
  }
}

/** Our own mistake, not the caller's: the thread may not go on with broken state. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`flyshuttle assertion failed: ${message}`)
}
