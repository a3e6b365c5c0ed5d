// From the rounds of one rate to rows, and from rows to the table that is printed.
//
// A percentile of a row is the median of that percentile over the rounds; the largest is the
// largest of all. One figure per row: loads and states of the receiver are never mixed.

import { LATENCY_COLUMNS } from './latency.mjs'
import { stateOf } from './paced.mjs'
import { aligned, rateText, threeDigits } from './report.mjs'
import { median } from './statistics.mjs'
import { PERCENTILES } from './timing.mjs'

/**
 * A row as it goes into the JSON file. A refused one has no figures at all.
 *
 * @param {string} scenario
 * @param {number} ratePerSecond
 * @param {import('./rounds.mjs').Row} row
 */
export function latencyJsonRow(scenario, ratePerSecond, { contender, latencies, refused }) {
  const head = { scenario, contender, ratePerSecond }
  if (refused !== null) return { ...head, verified: false, refused }
  const total = (field) => latencies.reduce((sum, latency) => sum + latency[field], 0)
  const messages = total('count')
  const asleepShare = total('asleep') / messages
  const figures = Object.keys(PERCENTILES).flatMap((field) => {
    const values = latencies.map((latency) => latency[field])
    if (values.includes(undefined)) return []
    return [[field, field === 'latencyUsMax' ? Math.max(...values) : median(values)]]
  })
  const seen = { receiver: stateOf(asleepShare), asleepShare, messages, rounds: latencies.length }
  return { ...head, verified: true, ...seen, ...Object.fromEntries(figures) }
}

/**
 * @param {{ name: string, question: string }} scenario
 * @param {readonly ReturnType<typeof latencyJsonRow>[]} rows in the order of their rates
 * @param {readonly { contender: string, notRun: string }[]} notRun
 */
export function latencyTableText({ name, question }, rows, notRun) {
  const measured = rows.filter(({ verified }) => verified)
  const columns = Object.entries(LATENCY_COLUMNS)
  const head = ['rate      contender', 'receiver', 'asleep', ...columns.map(([, text]) => text)]
  const body = measured.map((row, index) => [
    `${rateCell(row, measured[index - 1]).padEnd(10)}${row.contender}`,
    row.receiver,
    `${(100 * row.asleepShare).toFixed(1)} %`,
    ...columns.map(([field]) => (row[field] === undefined ? '–' : threeDigits(row[field]))),
  ])
  const refused = rows.filter(({ verified }) => !verified)
  const rest = [
    ...refused.map(
      (row) => `  ${row.contender} at ${rateText(row.ratePerSecond)}  refused: ${row.refused}`,
    ),
    ...notRun.map((row) => `  ${row.contender}  not run: ${row.notRun}`),
  ]
  return [`${name}: ${question} (µs)`, ...aligned([head, ...body]), ...rest].join('\n')
}

/** Rates are named once, where they begin. */
function rateCell({ ratePerSecond }, rowBefore) {
  return ratePerSecond === rowBefore?.ratePerSecond ? '' : rateText(ratePerSecond)
}
