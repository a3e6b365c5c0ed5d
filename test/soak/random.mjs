// Chance by a seed, so that a run that failed can be had again. For the kills of the soak.

/** Mulberry32: the same kills at about the same moments for the same seed. */
export function createRandom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
