// Waiting that ends, so that a lost message becomes a refused row and not a benchmark that hangs.

/** How long the last messages may be under way after the producer has finished. */
const STRAGGLERS_MS = 5_000

/**
 * Resolves when `complete` does, or when nothing more seems to come.
 *
 * @param {Promise<unknown>} complete
 */
export async function untilCompleteOrLate(complete) {
  let timer
  const late = new Promise((resolve) => (timer = setTimeout(resolve, STRAGGLERS_MS)))
  try {
    await Promise.race([complete, late])
  } finally {
    clearTimeout(timer)
  }
}
