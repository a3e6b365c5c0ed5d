// The dead letters of an engine, on its main thread: takes in what all threads give up, answers
// what they ask, and replays.
//
// A letter that comes from a worker comes in parts, each asked for and answered, and again when the
// answer was late: a part that is there already is not taken twice. A letter leaves the store only
// when its replay was accepted or it was purged; the overflow rule is the exception.

import { deserialize, serialize } from 'node:v8'
import { FlyshuttleError } from '../base/errors.js'
import { ofThread, tell } from '../base/events.js'
import { LETTER_BYTES_MAX, REPLAY_ERRORS_TOLD_MAX } from '../base/limits.js'
import { fromRecord, toRecord, type ErrorRecord } from '../codec/error-record.js'
import type { Headers } from '../codec/headers.js'
import type { Region } from '../memory/region.js'
import type { DeadLetter } from '../routing/dead-letter.js'
import { PLAIN, type Envelope } from '../routing/envelope.js'
import { readPayload, stagePayload } from '../routing/letter-payload.js'
import { LetterStore, type KeptLetter, type LetterLimits } from '../routing/letter-store.js'
import type { Sender } from '../routing/sender.js'
import type { LetterRequest } from './letter-post.js'
import {
  letterPartBytes,
  type DeadLetterInfo,
  type LetterAnswers,
  type LetterCall,
  type LetterChoice,
  type LetterDelivery,
  type LetterPart,
  type Letters,
  type LetterSummary,
  type ReplayOutcome,
} from './letters.js'

/** How often a message has been replayed travels with it. */
export const REPLAYS_HEADER = 'Flyshuttle-Replays'

/** What a worker sends: its error has become a record already. */
export interface PostedLetter extends Omit<DeadLetter, 'error'> {
  readonly error: ErrorRecord | null
  /** Letters that the worker had to give up since the last one. */
  readonly lost: number
}

/** Adds a dead job to its work queue again; resolves when the queue has it. */
export type AddAgain = (letter: KeptLetter, headers: Headers) => Promise<void>

interface Incoming {
  readonly incarnation: number
  /** The last letter that was taken, and how that ended. */
  done: number
  failure: unknown
  blob: Buffer
  bytes: number
}

const NOTHING = Buffer.alloc(0)

export class LetterOffice implements Letters {
  readonly #region: Region
  readonly #sender: Sender
  readonly #limits: LetterLimits
  readonly #store: LetterStore
  readonly #incoming = new Map<number, Incoming>()
  readonly #queues = new Map<string, AddAgain>()
  #lost = 0
  #replayed = 0
  #purged = 0
  /** The letter that was read last, as bytes: it is read in parts. */
  #read: { readonly id: number; readonly blob: Buffer } | null = null
  readonly pending = 0

  constructor(region: Region, sender: Sender, limits: LetterLimits) {
    this.#region = region
    this.#sender = sender
    this.#limits = limits
    this.#store = new LetterStore(limits)
  }

  get info(): DeadLetterInfo {
    const { size, bytes, buried, dropped, rejected } = this.#store
    const [lost, replayed, purged] = [this.#lost, this.#replayed, this.#purged]
    return { size, bytes, buried, dropped, rejected, lost, replayed, purged }
  }

  async settled(): Promise<void> {}

  /** A thread has ended: what it had begun to send is lost. */
  forget(source: number): void {
    this.#incoming.delete(source)
  }

  /** Has the letters of a work queue replayed by `addAgain`; the result takes that back. */
  connect(queue: string, addAgain: AddAgain): () => void {
    this.#queues.set(queue, addAgain)
    return () => void this.#queues.delete(queue)
  }

  async bury(letter: DeadLetter): Promise<void> {
    const error = letter.error === null ? null : toRecord(letter.error)
    this.#keep({ ...letter, error, lost: 0 }, 0)
  }

  /** What another thread asks. */
  obey(source: number, request: LetterRequest): unknown {
    if (request.op === 'letters') return this.ask(request.call, letterPartBytes(this.#region))
    return this.#take(source, request.part)
  }

  /** Takes a part of a letter of another thread. */
  #take(source: number, { incarnation, number, from, total, bytes }: LetterDelivery): void {
    let incoming = this.#incoming.get(source)
    if (incoming === undefined || incoming.incarnation !== incarnation) {
      incoming = { incarnation, done: 0, failure: null, blob: NOTHING, bytes: 0 }
      this.#incoming.set(source, incoming)
    }
    if (number <= incoming.done) {
      if (number === incoming.done && incoming.failure !== null) throw incoming.failure
      return
    }
    if (from === 0) {
      if (total > LETTER_BYTES_MAX) throw corrupt(source, `a letter of ${total} bytes`)
      incoming.blob = Buffer.alloc(total)
      incoming.bytes = 0
    }
    if (from < incoming.bytes) return
    if (from > incoming.bytes || from + bytes.length > incoming.blob.length) {
      throw corrupt(source, `a part of a letter at ${from}`)
    }
    incoming.blob.set(bytes, from)
    incoming.bytes += bytes.length
    if (incoming.bytes < incoming.blob.length) return
    const { blob } = incoming
    incoming.done = number
    incoming.failure = null
    incoming.blob = NOTHING
    try {
      this.#keep(deserialize(blob) as PostedLetter, source)
    } catch (error) {
      incoming.failure = error
      throw error
    }
  }

  /** `bytesMax` is what an answer may take. */
  async ask<C extends LetterCall>(call: C, bytesMax = Infinity): Promise<LetterAnswers[C['what']]> {
    return (await this.#answer(call, bytesMax)) as LetterAnswers[C['what']]
  }

  #answer(call: LetterCall, bytesMax: number): unknown {
    switch (call.what) {
      case 'list':
        return this.#list(call, bytesMax)
      case 'read':
        return this.#readPart(call.id, call.from, bytesMax)
      case 'replay':
        return this.#replayAll(this.#idsOf(call.choice), call.max ?? this.#limits.replays)
      case 'purge':
        return this.#purge(this.#idsOf(call.choice))
      case 'info':
        return this.info
    }
  }

  #keep({ lost, ...letter }: PostedLetter, thread: number): void {
    this.#lost += lost
    const { reason, subject, queue, agent, attempts, error } = letter
    const replays = replaysOf(letter.headers)
    const id = this.#store.add({ ...letter, replays, thread, deadAtMs: Date.now() })
    tell('deadLetter', () => ({
      ...ofThread(this.#region.engine, thread),
      id,
      reason,
      subject,
      queue,
      agent,
      attempts,
      error: error?.message ?? '',
    }))
  }

  #list(
    { filter, after, limit }: LetterCall & { what: 'list' },
    bytesMax: number,
  ): LetterSummary[] {
    const list: LetterSummary[] = []
    let bytes = 0
    for (const letter of this.#store.find(filter, after)) {
      const summary = summaryOf(letter)
      // Text may take two bytes for a character, and numbers nine.
      bytes += 2 * JSON.stringify(summary).length
      if (list.length > 0 && bytes > bytesMax) break
      list.push(summary)
      if (list.length === limit) break
    }
    return list
  }

  #readPart(id: number, from: number, bytesMax: number): LetterPart {
    const letter = this.#find(id)
    if (this.#read?.id !== id) this.#read = { id, blob: serialize(letter) }
    const { blob } = this.#read
    const bytes = blob.subarray(from, Math.min(blob.length, from + bytesMax))
    return { bytes: new Uint8Array(bytes), total: blob.length }
  }

  #idsOf(choice: LetterChoice): number[] {
    if (Array.isArray(choice)) return [...new Set(choice as readonly number[])]
    return Array.from(this.#store.find(choice as Exclude<LetterChoice, readonly number[]>), idOf)
  }

  #purge(ids: readonly number[]): number {
    let purged = 0
    for (const id of ids) if (this.#store.remove(id)) purged++
    this.#purged += purged
    return purged
  }

  async #replayAll(ids: readonly number[], max: number): Promise<ReplayOutcome> {
    const errors: { id: number; code: string; message: string }[] = []
    let refused = 0
    for (const id of ids) {
      try {
        await this.#replay(id, max)
      } catch (error) {
        const { code, message } = fromRecord(toRecord(error))
        if (refused++ < REPLAY_ERRORS_TOLD_MAX) errors.push({ id, code, message })
      }
    }
    return { replayed: ids.length - refused, refused, errors }
  }

  /** @throws (as rejection) ERR_LETTER_UNKNOWN, ERR_REPLAY_REFUSED, or why it cannot be sent */
  async #replay(id: number, max: number): Promise<void> {
    const letter = this.#find(id)
    const { replays } = letter
    if (replays >= max) {
      throw refusal(letter, `it has been replayed ${replays} times`, `at most ${max}`)
    }
    if (!this.#store.pin(id)) throw refusal(letter, 'it is being replayed', 'one replay at a time')
    try {
      const headers = { ...letter.headers, [REPLAYS_HEADER]: String(replays + 1) }
      await (letter.queue === '' ? this.#publish(letter, headers) : this.#addAgain(letter, headers))
      this.#store.remove(id)
      this.#replayed++
    } finally {
      this.#store.unpin(id)
    }
  }

  async #publish(letter: KeptLetter, headers: Headers): Promise<void> {
    const { subject, priority, key } = letter
    // Not checked for its size: the count must find room beside headers at the limit.
    const headersBytes = Buffer.from(JSON.stringify(headers))
    const envelope: Envelope = { ...PLAIN, headers, headersBytes, priority, key }
    const value = readPayload(this.#region, letter)
    const sent = this.#sender.resend(subject, value, envelope, (stage) =>
      stagePayload(this.#region, stage, letter, value),
    )
    if (sent === null) throw refusal(letter, 'nobody is subscribed', 'a subscription that wants it')
    await sent
  }

  #addAgain(letter: KeptLetter, headers: Headers): Promise<void> {
    const addAgain = this.#queues.get(letter.queue)
    if (addAgain !== undefined) return addAgain(letter, headers)
    throw refusal(letter, `the main thread has not opened its queue`, 'an open queue')
  }

  #find(id: number): KeptLetter {
    const letter = this.#store.get(id)
    if (letter === undefined) throw new FlyshuttleError('ERR_LETTER_UNKNOWN', { found: id })
    return letter
  }
}

const idOf = ({ id }: KeptLetter): number => id

function summaryOf(letter: KeptLetter): LetterSummary {
  const { id, reason, subject, queue, attempts, replays, firstAtMs, deadAtMs } = letter
  const { thread, agent, payload, error } = letter
  const text = error === null ? '' : error.message.slice(0, 200)
  return {
    ...{ id, reason, subject, queue, attempts, replays, error: text, bytes: payload.length },
    ...{ firstAtMs, deadAtMs, thread, agent },
  }
}

/** Whoever publishes may set the header: what is no count is none. */
function replaysOf(headers: Headers): number {
  const text = headers[REPLAYS_HEADER] ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : 0
}

function refusal({ id, subject }: KeptLetter, found: string, wanted: string): FlyshuttleError {
  return new FlyshuttleError('ERR_REPLAY_REFUSED', { letter: id, subject, found, wanted })
}

function corrupt(thread: number, found: string): FlyshuttleError {
  return new FlyshuttleError('ERR_FRAME_CORRUPT', { thread, found, wanted: 'a letter in parts' })
}
