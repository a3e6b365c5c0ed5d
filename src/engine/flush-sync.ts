// Publishing what is pending without a turn of the loop: for crash handlers, where no promise comes
// to its end any more.

import type { Clock } from '../base/clock.js'
import type { Outbox } from '../link/outbox.js'
import type { Sender } from '../routing/sender.js'

/** How long to sleep between two looks for room. */
const NAP_MS = 1
const nap = new Int32Array(new SharedArrayBuffer(4))

/**
 * Makes every batch visible and writes what waited, as far as there is room, blocking the thread up
 * to `timeoutMs` for more. Returns how many messages still wait.
 *
 * It sleeps and looks again, rather than being woken: the thread's bell belongs to its loop.
 */
export function flushSync(outbox: Outbox, sender: Sender, clock: Clock, timeoutMs: number): number {
  const untilMs = clock.nowMs() + timeoutMs
  for (;;) {
    sender.retry()
    outbox.flushAll()
    const { waiting } = sender
    if (waiting === 0 || clock.nowMs() >= untilMs) return waiting
    Atomics.wait(nap, 0, 0, NAP_MS)
  }
}
