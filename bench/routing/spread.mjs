// What a list of samples says: the least, which is what the code costs, and the median, which is
// what it cost on this machine at this time.

/** @param {readonly number[]} samples */
export function spread(samples) {
  const sorted = [...samples].sort((a, b) => a - b)
  return { min: sorted[0] ?? NaN, median: sorted[sorted.length >> 1] ?? NaN }
}
