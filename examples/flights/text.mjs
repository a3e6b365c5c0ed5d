// Numbers as people read them, and bars of text.

/** @param {number} value */
export const count = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 0 })

/**
 * @param {number} share 0 to 1
 * @param {number} decimals
 */
export const percent = (share, decimals) => `${(share * 100).toFixed(decimals)} %`

/**
 * @param {number} ms
 * @param {number} decimals
 */
export const seconds = (ms, decimals = 2) => `${(ms / 1000).toFixed(decimals)} s`

/** @param {number} perS */
export function rate(perS) {
  if (perS >= 1e6) return `${(perS / 1e6).toFixed(2)} M/s`
  return `${count(perS)}/s`
}

/**
 * A duration with three digits that mean something, in µs, ms or s.
 *
 * @param {number} ms
 */
export function duration(ms) {
  if (Number.isNaN(ms)) return '–'
  if (ms < 1) return `${(ms * 1000).toPrecision(3)} µs`
  if (ms < 1000) return `${ms.toPrecision(3)} ms`
  return seconds(ms)
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/**
 * A bar of at most `columns` characters, exact to an eighth of one.
 *
 * @param {number} share 0 to 1
 * @param {number} columns
 */
export function bar(share, columns) {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8)
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
}

/**
 * Rows of cells as lines of aligned columns. `align` has one letter for each column: l or r.
 *
 * @param {string[][]} rows
 * @param {string} align
 */
export function table(rows, align) {
  const widths = [...align].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) =>
    row
      .map((cell, at) => (align[at] === 'r' ? cell.padStart(widths[at]) : cell.padEnd(widths[at])))
      .join('  ')
      .trimEnd(),
  )
}
