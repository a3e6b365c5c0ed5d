// Ends the process of a program of kills that makes no progress, saying where it hung.

const LIMIT_MS = 60_000

export class Watchdog {
  /** What is going on. */
  current = ''
  #timer

  /** From now on it is this that must not hang. */
  watch(text) {
    this.current = text
    this.stop()
    this.#timer = setTimeout(() => {
      console.log(`FAILED: hangs for ${LIMIT_MS} ms: ${text}`)
      process.exit(1)
    }, LIMIT_MS)
  }

  stop() {
    clearTimeout(this.#timer)
  }
}
