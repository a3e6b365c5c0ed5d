// Flow control for plain `postMessage`, which has none: its queue grows until the memory is gone.
//
// The producer may be WINDOW messages ahead; the consumer gives credit back for every
// ACKNOWLEDGE_EVERY that it has handled, so acknowledging costs one message in 4,096.
//
//     producer ── message, message, … ──▶ consumer
//              ◀── 4096 ── (now and then)

const WINDOW = 16_384
const ACKNOWLEDGE_EVERY = 4_096

/**
 * The producer's side. `take(n)` is false when n more would leave the window: then await `room()`.
 *
 * @param {import('node:worker_threads').MessagePort} port
 */
export function createCredit(port) {
  let outstanding = 0
  /** @type {(() => void) | null} */
  let wake = null
  port.on('message', (handled) => {
    outstanding -= handled
    wake?.()
    wake = null
  })
  return {
    /** @param {number} count */
    take(count) {
      if (outstanding + count > WINDOW) return false
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
 */
export function createAcknowledger(port) {
  let handled = 0
  return (count) => {
    handled += count
    if (handled < ACKNOWLEDGE_EVERY) return
    port.postMessage(handled)
    handled = 0
  }
}
