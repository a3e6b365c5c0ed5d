// From the rounds of one shape and number of threads to rows, and from rows to what is printed.

import { aligned, rateText, threeDigits } from './report.mjs'
import { jsonRow } from './rounds.mjs'
import { median, pairedRatios } from './statistics.mjs'

export const BASELINE = 'postMessage'

/**
 * The numbers of threads to measure: one, and doublings up to the most; pairs are even.
 *
 * @param {string} shape
 * @param {number} threadsMax
 */
export function threadCounts(shape, threadsMax) {
  const counts = new Set([1])
  for (let count = 2; count < threadsMax; count *= 2) counts.add(count)
  counts.add(threadsMax)
  if (shape !== 'pairs') return [...counts]
  const even = [...counts].map((count) => count - (count % 2)).filter((count) => count > 0)
  return [...new Set(even)]
}

/**
 * @param {string} shape
 * @param {number} threads
 * @param {readonly import('./rounds.mjs').Row[]} found the contenders of the same rounds
 */
export function scaleRows(shape, threads, found) {
  const isWhole = ({ notRun, refused }) => notRun === null && refused === null
  const base = found.find((row) => row.contender === BASELINE && isWhole(row))
  return found
    .filter(({ notRun }) => notRun === null)
    .map((row) => {
      const isCompared = base !== undefined && isWhole(row)
      const ratio = isCompared ? median(pairedRatios(row.samples, base.samples)) : undefined
      return { ...jsonRow(shape, 'messages/s', row), threads, ratio }
    })
}

/**
 * @param {string} shape
 * @param {readonly ReturnType<typeof scaleRows>[number][]} rows by threads, fewest first
 */
export function scaleTableText(shape, rows) {
  const measured = rows.filter(({ verified }) => verified)
  const head = ['threads', 'contender', 'median', 'min – max', `× ${BASELINE}`, '× fewest']
  const body = measured.map(({ threads, contender, median: rate, min, max, ratio }) => {
    const fewest = measured.find((row) => row.contender === contender)
    return [
      String(threads),
      contender,
      rateText(rate),
      `${rateText(min)} – ${rateText(max)}`,
      ratio === undefined ? '–' : threeDigits(ratio),
      threeDigits(rate / fewest.median),
    ]
  })
  const refused = rows.filter(({ verified }) => !verified)
  return [
    `${shape} (messages/s received, all threads together)`,
    ...aligned([head, ...body]),
    ...refused.map(
      (row) => `  ${row.contender} on ${row.threads} threads  refused: ${row.refused}`,
    ),
  ].join('\n')
}

/**
 * What a machine of so many cores cannot show.
 *
 * @param {number} cores
 * @param {number} threadsMax
 * @returns {string[]}
 */
export function limitsText(cores, threadsMax) {
  const texts = []
  if (threadsMax > cores) {
    texts.push(`Above ${cores} threads on ${cores} cores they take turns: that is no scaling.`)
  }
  if (cores < 4) {
    texts.push(`One pair fills ${cores} cores: how several pairs scale cannot be seen here.`)
  }
  return texts
}
