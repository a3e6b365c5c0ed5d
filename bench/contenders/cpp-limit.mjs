// What this machine can do: two C++ threads inside the addon over the same kind of ring, frames of
// the same size, each one published by itself. Nothing is encoded, no handler is called, nobody
// sleeps. Its sums are its own: every payload word counts, and C++ says what they must be.

import { loadBinding, RING_BYTES_AUTO } from 'flyshuttle/testing'
import { measure } from '../lib/measure.mjs'

/**
 * @param {{ payloadBytes: number }} what
 * @param {import('../lib/measure.mjs').Options} options
 */
export function oneToOne({ payloadBytes }, options) {
  const { binding } = loadBinding()
  if (binding === null) return { notRun: 'the native addon is not built' }
  const ringBytes = RING_BYTES_AUTO
  return measure(options, ({ count }) => {
    const { seconds, frames, checksum, expected } = binding.measureLimit({
      frames: count,
      payloadBytes,
      ringBytes,
      publishEach: true,
    })
    // The C++ consumer returns early only from a corrupt ring, and then its sum is wrong. It does
    // not look at the order: there is none that one ring read by position could lose.
    return {
      seconds,
      evidence: { sent: count, received: frames, disordered: 0, checksum, expected },
    }
  })
}
