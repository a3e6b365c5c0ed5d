// From what was measured to rows, and from rows to the table that is printed.

import { aligned, threeDigits } from '../lib/report.mjs'
import { median } from '../lib/statistics.mjs'

/**
 * A row as it goes into the JSON file. A case whose sum was wrong has no figures.
 *
 * @param {import('./cases.mjs').Case} one
 * @param {string | null} failed why it could not be run
 * @param {number | null} wrong a sum that was not the expected one
 * @param {readonly number[]} sample seconds per batch
 */
export function rowOf({ name, what, operations, expected }, failed, wrong, sample) {
  if (failed !== null) return { name, what, verified: false, refused: failed }
  if (wrong !== null) {
    return { name, what, verified: false, refused: `a sum of ${wrong}, expected ${expected}` }
  }
  const nsOf = (seconds) => (seconds * 1e9) / operations
  const figures = { nsMedian: nsOf(median(sample)), nsMin: nsOf(Math.min(...sample)) }
  return { name, what, verified: true, ...figures, samples: sample.length }
}

/** @param {readonly ReturnType<typeof rowOf>[]} rows */
export function microTableText(rows) {
  const measured = rows.filter(({ verified }) => verified)
  const width = Math.max(0, ...measured.map(({ name }) => name.length))
  const body = measured.map(({ name, what, nsMedian, nsMin }) => [
    `${name.padEnd(width)}  ${what}`,
    threeDigits(nsMedian),
    threeDigits(nsMin),
  ])
  const refused = rows.filter(({ verified }) => !verified)
  const head = ['nanoseconds per operation', 'median', 'fastest']
  return [
    ...aligned([head, ...body]),
    ...refused.map(({ name, refused }) => `  ${name}  refused: ${refused}`),
  ].join('\n')
}
