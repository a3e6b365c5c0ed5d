// Dead letters of a worker, on their way to the main thread.
//
// They go one after the other, each in parts that fit a frame of the urgent lane, and each part
// waits for its answer: a main thread that is busy is not flooded. Meanwhile letters wait here, so
// many and no more, or one, however large; what comes beyond is given up and counted. What waits
// when this thread ends unexpectedly is lost with it.

import { serialize } from 'node:v8'
import { FlyshuttleError } from '../base/errors.js'
import { Fifo } from '../base/fifo.js'
import {
  LETTERS_WAITING_MAX,
  LETTER_BYTES_MAX,
  LETTER_BYTES_WAITING_MAX,
  LETTER_PART_TIMEOUT_MS,
  SPAWN_TIMEOUT_MS_DEFAULT,
  TIMEOUT_MS_MAX,
} from '../base/limits.js'
import { toRecord } from '../codec/error-record.js'
import type { DeadLetter } from '../routing/dead-letter.js'
import type { PostedLetter } from './letter-office.js'
import type { LetterAnswers, LetterCall, LetterDelivery, Letters } from './letters.js'

/** What this thread asks of the main thread. */
export type LetterRequest =
  | { readonly op: 'bury'; readonly part: LetterDelivery }
  | { readonly op: 'letters'; readonly call: LetterCall }

/** Asks the main thread; rejects with ERR_TIMEOUT when it takes longer. */
export type AskMain = (request: LetterRequest, timeoutMs: number) => Promise<unknown>

interface Waiting {
  readonly blob: Buffer
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class LetterPost implements Letters {
  readonly #ask: AskMain
  readonly #incarnation: number
  readonly #partBytes: number
  readonly #line = new Fifo<Waiting>()
  #bytes = 0
  #sent = 0
  #lost = 0
  #isSending = false
  #settlers: (() => void)[] = []

  /** `partBytes` is what fits a frame of the urgent lane, beside what goes with it. */
  constructor(ask: AskMain, incarnation: number, partBytes: number) {
    this.#ask = ask
    this.#incarnation = incarnation
    this.#partBytes = partBytes
  }

  get pending(): number {
    return this.#line.length
  }

  async settled(): Promise<void> {
    if (this.pending > 0) await new Promise<void>((resolve) => this.#settlers.push(resolve))
  }

  async bury(letter: DeadLetter): Promise<void> {
    const error = letter.error === null ? null : toRecord(letter.error)
    const posted: PostedLetter = { ...letter, error, lost: this.#lost }
    const blob = serialize(posted)
    const bytes = this.#bytes + blob.length
    const bytesMax = this.pending === 0 ? LETTER_BYTES_MAX : LETTER_BYTES_WAITING_MAX
    if (this.pending >= LETTERS_WAITING_MAX || bytes > bytesMax) {
      this.#lost++
      throw new FlyshuttleError('ERR_DEAD_LETTERS_FULL', {
        subject: letter.subject,
        found: `${this.pending} letters of ${this.#bytes} bytes wait for the main thread`,
        wanted: `${LETTERS_WAITING_MAX} letters of ${bytesMax} bytes`,
      })
    }
    this.#lost = 0
    this.#bytes = bytes
    const sent = new Promise<void>((resolve, reject) => this.#line.push({ blob, resolve, reject }))
    if (!this.#isSending) void this.#sendAll()
    await sent
  }

  async ask<C extends LetterCall>(call: C): Promise<LetterAnswers[C['what']]> {
    // A replay waits for room as long as it takes.
    const timeoutMs = call.what === 'replay' ? TIMEOUT_MS_MAX : SPAWN_TIMEOUT_MS_DEFAULT
    return (await this.#ask({ op: 'letters', call }, timeoutMs)) as LetterAnswers[C['what']]
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    for (let next = this.#line.peek(); next !== undefined; next = this.#line.peek()) {
      this.#sent++
      let failure: unknown = null
      try {
        await this.#send(next.blob)
      } catch (error) {
        failure = error
      }
      this.#line.shift()
      this.#bytes -= next.blob.length
      if (failure === null) next.resolve()
      else next.reject(failure)
    }
    this.#isSending = false
    for (const resolve of this.#settlers.splice(0)) resolve()
  }

  async #send(blob: Buffer): Promise<void> {
    const total = blob.length
    for (let from = 0; from < total; from += this.#partBytes) {
      const bytes = new Uint8Array(blob.subarray(from, from + this.#partBytes))
      const incarnation = this.#incarnation
      await this.#sendPart({ incarnation, number: this.#sent, from, total, bytes })
    }
  }

  /** Again and again while the main thread is blocked: what it has, it does not take twice. */
  async #sendPart(part: LetterDelivery): Promise<void> {
    for (;;) {
      try {
        await this.#ask({ op: 'bury', part }, LETTER_PART_TIMEOUT_MS)
        return
      } catch (error) {
        const { code } = error as FlyshuttleError
        if (code !== 'ERR_TIMEOUT' && code !== 'ERR_BACKPRESSURE') throw error
        if (code === 'ERR_BACKPRESSURE') await new Promise((wait) => setTimeout(wait, 50))
      }
    }
  }
}
