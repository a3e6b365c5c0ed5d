// Flow control for plain `postMessage`, which has none: its queue grows until the memory is gone.
//
// The producer may be a window of messages ahead; the consumer gives credit back for every quarter
// of it that it has handled, so acknowledging small messages costs one message in 4,096.
//
//     producer ── message, message, … ──▶ consumer
//              ◀── 4096 ── (now and then)

const WINDOW_MESSAGES = 16_384
/** Of 1, 4 and 16 MiB the largest was the fastest for messages of 64 KiB. */
const WINDOW_BYTES = 16 * 1024 * 1024

/** @param {number} bytes of one message, about */
function windowOf(bytes) {
  return Math.min(WINDOW_MESSAGES, WINDOW_BYTES / bytes)
}

/**
 * The producer's side. `take(n)` is false when n more would leave the window: then await `room()`.
 *
 * @param {import('node:worker_threads').MessagePort} port
 * @param {number} bytes of one message, about
 */
export function createCredit(port, bytes) {
  const window = windowOf(bytes)
  let outstanding = 0
  /** @type {(() => void) | null} */
  let wake = null
  port.on('message', (handled) => {
    // What else comes back is not for us.
    if (typeof handled !== 'number') return
    outstanding -= handled
    wake?.()
    wake = null
  })
  return {
    /** @param {number} count */
    take(count) {
      if (outstanding + count > window) return false
      outstanding += count
      return true
    },
    /** Resolves at the next acknowledgement. */
    room: () => new Promise((resolve) => (wake = resolve)),
  }
}

/**
 * The consumer's side: to be told how many messages were handled.
 *
 * @param {import('node:worker_threads').MessagePort} port
 * @param {number} bytes of one message, about
 */
export function createAcknowledger(port, bytes) {
  const every = windowOf(bytes) / 4
  let handled = 0
  return (count) => {
    handled += count
    if (handled < every) return
    port.postMessage(handled)
    handled = 0
  }
}
