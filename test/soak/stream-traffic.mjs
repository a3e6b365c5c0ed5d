// What every thread of the stream kills does: it replies with streams of several kinds, and reads
// those of all others, to the end or not, checking each part.

import { f64, rpc, u32, utf8 } from 'flyshuttle'

const request = { first: u32, count: u32 }
const reply = { n: u32, third: f64, name: utf8(16) }
const Rows = rpc('kills.rows', { request, reply })
const RowsAtOnce = rpc('kills.rows.at.once', { request, reply })
const LOOSE = 'kills.loose'

const COUNT_MAX = 600
const BUFFER_MAX = 300
const READERS = 3
/** Far more than a part takes on a slow machine: who waits so long waits in vain. */
const TIMEOUT_MS = 50_000
/** How a stream may end that was not read to its end. */
const ENDS = ['ERR_RESPONDER_DIED', 'ERR_NO_RESPONDERS', 'ERR_RESPONDER_STOPPED', 'ERR_CLOSED']

const rowAt = (n) => ({ n, third: n / 3, name: `row ${n}` })

export class Traffic {
  /** Generators that began, and those whose `finally` ran. */
  begun = 0
  ended = 0
  parts = 0
  #isStopped = false
  #endpoint
  #below
  #tellWrong
  #readers = []

  /** `below` gives numbers by chance; `tellWrong` is told what should not be. */
  constructor(endpoint, below, tellWrong) {
    this.#endpoint = endpoint
    this.#below = below
    this.#tellWrong = tellWrong
  }

  async start() {
    const traffic = this
    await this.#endpoint.handle(Rows, async function* ({ first, count }) {
      traffic.begun++
      try {
        for (let n = first; n < first + count; n++) {
          yield rowAt(n)
          if (n % 97 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        traffic.ended++
      }
    })
    const atOnce = function* ({ first, count }) {
      traffic.begun++
      try {
        for (let n = first; n < first + count; n++) yield rowAt(n)
      } finally {
        traffic.ended++
      }
    }
    await this.#endpoint.handle(RowsAtOnce, atOnce)
    await this.#endpoint.handle(LOOSE, atOnce)
    for (let n = 0; n < READERS; n++) this.#readers.push(this.#read())
  }

  /** Resolves when all that was being read has ended. */
  async stop() {
    this.#isStopped = true
    await Promise.all(this.#readers)
  }

  async #read() {
    while (!this.#isStopped) {
      await this.#readOne()
      // Not at full speed: a successor has to start beside it.
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async #readOne() {
    const below = this.#below
    const target = [Rows, RowsAtOnce, LOOSE][below(3)]
    const first = below(1_000_000)
    const count = below(COUNT_MAX)
    const stopAt = below(3) === 0 ? first + below(COUNT_MAX) : Infinity
    const options = { buffer: 1 + below(BUFFER_MAX), timeoutMs: TIMEOUT_MS }
    const stream = this.#endpoint.requestStream(target, { first, count }, options)
    let next = first
    const take = (part) => {
      const { n, third, name } = rowAt(next)
      if (part.n !== n || part.third !== third || part.name !== name) {
        this.#tellWrong(`${JSON.stringify(part)} where ${n} was wanted`)
      }
      next++
      this.parts++
      return next < stopAt
    }
    try {
      if (below(2) === 0) {
        for await (const part of stream) if (!take(part)) return
      } else {
        for await (const batch of stream.batches()) if (!batch.every(take)) return
      }
      if (next !== first + count) this.#tellWrong(`${next - first} parts of ${count}, no error`)
    } catch (error) {
      if (!ENDS.includes(error.code)) this.#tellWrong(error.stack)
    }
  }
}
