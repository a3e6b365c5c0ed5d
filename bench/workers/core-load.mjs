// Works as hard as one thread can: what it gets done in a while tells how much of a core it had.

import { serve } from '../lib/worker-call.mjs'

const ROUNDS_PER_LOOK = 20_000

serve({
  /** Eight sums at once, none of which waits for another. @returns rounds of them */
  work({ ms }) {
    const endMs = performance.now() + ms
    let [a, b, c, d, e, f, g, h] = [1, 2, 3, 4, 5, 6, 7, 8]
    let looks = 0
    for (; performance.now() < endMs; looks++) {
      for (let i = 0; i < ROUNDS_PER_LOOK; i++) {
        a = (a + i) | 0
        b = (b ^ i) | 0
        c = (c + i) | 0
        d = (d ^ i) | 0
        e = (e - i) | 0
        f = (f + i) | 0
        g = (g ^ i) | 0
        h = (h - i) | 0
      }
    }
    // The sums are used, so they are worked out.
    return { rounds: looks * ROUNDS_PER_LOOK, sum: a ^ b ^ c ^ d ^ e ^ f ^ g ^ h }
  },
})
