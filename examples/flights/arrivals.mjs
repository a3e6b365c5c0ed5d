// Counts what an agent has handled, and knows when that is everything.
//
// `delays`, `distances` and `alerts` each keep one. The end of the stream is a count, not a last
// message: that nothing is missing is then proven, not assumed.
import { Latency, nowMs } from './latency.mjs'

export class Arrivals {
  handled = 0
  /** Publish to handler. */
  latency = new Latency()
  /** When the last one was handled. */
  #lastMs = 0
  #announced = -1
  /** @type {() => void} */
  #resolve = () => {}
  /** Resolves when as many flights are handled as the feed has announced. */
  all = new Promise((/** @type {(value: void) => void} */ resolve) => (this.#resolve = resolve))

  /**
   * A flight has come in. Called first, whatever is done with it then.
   *
   * @param {number} sentAtMs when it was published; 0 when it is none of the samples
   */
  measure(sentAtMs) {
    if (sentAtMs !== 0) this.latency.add(nowMs() - sentAtMs)
  }

  /** A flight is dealt with. */
  done() {
    if (++this.handled === this.#announced) this.#finish()
  }

  /**
   * The feed has said how many there are.
   *
   * @param {number} count
   */
  announce(count) {
    this.#announced = count
    if (this.handled === count) this.#finish()
  }

  /** @returns {import('./messages.mjs').ArrivalsReport} */
  report() {
    return { handled: this.handled, lastMs: this.#lastMs, latency: this.latency.report() }
  }

  #finish() {
    this.#lastMs = nowMs()
    this.#resolve()
  }
}
