// Turns what was found and measured into the text that `npm start` prints.
import { LATE_MIN, ALERT_MIN, SAMPLE_EVERY } from './messages.mjs'
import { bar, count, duration, percent, rate, seconds, table } from './text.mjs'

const BAR_COLUMNS = 12
const NAME_COLUMNS = 28
const DIFFERENCES_SHOWN_MAX = 20

/**
 * @typedef {object} Outcome
 * @property {number} rows
 * @property {import('./replay.mjs').Run} run
 * @property {{ readMs: number, loopMs: number }} reference
 * @property {{ checked: number, differences: import('./compare.mjs').Difference[] }} check
 * @property {{ top: number, departuresMin: number }} worstOf
 */

/**
 * @param {Outcome} outcome
 * @param {{ hasColors: boolean }} style
 * @returns {string} lines, each with its end
 */
export function formatReport(outcome, { hasColors }) {
  const paint = (/** @type {number} */ code) => (/** @type {string} */ text) =>
    hasColors ? `\x1b[${code}m${text}\x1b[0m` : text
  const bold = paint(1)
  const { check } = outcome
  const verdict = verdictOf(check)
  const lines = [
    bold('Busiest airports'),
    ...busiestLines(outcome),
    '',
    bold(`Longest mean delays, from ${count(outcome.worstOf.departuresMin)} departures on`),
    ...worstLines(outcome),
    '',
    bold('What the agents found'),
    ...findingLines(outcome),
    '',
    bold('What it took'),
    ...measureLines(outcome),
    '',
    paint(check.differences.length === 0 ? 32 : 31)(verdict),
    ...differenceLines(check),
  ]
  return lines.join('\n') + '\n'
}

/** @param {Outcome['check']} check */
export function verdictOf({ checked, differences }) {
  const verdict = differences.length === 0 ? 'all equal' : `${count(differences.length)} differ`
  return `checked ${count(checked)} aggregates against a single-threaded loop: ${verdict}`
}

/** @param {Outcome} outcome */
function busiestLines({ run }) {
  const { airports } = run.result.delays
  const rows = run.busiest.map((code) => ({ code, ...delaysAt(airports, code) }))
  return table(
    [
      ['', '', 'departures', 'mean delay', 'late', ''],
      ...rows.map(({ code, departures, delayMin, late }) => [
        code,
        nameOf(run, code),
        count(departures),
        minutes(delayMin / departures),
        percent(late / departures, 1),
        bar(departures / rows[0].departures, BAR_COLUMNS),
      ]),
    ],
    'llrrrl',
  ).map(indent)
}

/** @param {Outcome} outcome */
function worstLines({ run }) {
  const { worst } = run.result
  return table(
    [
      ['', '', 'departures', 'mean delay', ''],
      ...worst.map(({ code, departures, meanMin }) => [
        code,
        nameOf(run, code),
        count(departures),
        minutes(meanMin),
        bar(meanMin / worst[0].meanMin, BAR_COLUMNS),
      ]),
    ],
    'llrrl',
  ).map(indent)
}

/** @param {Outcome} outcome */
function findingLines({ rows, run }) {
  const { delays, distances, alerts } = run.result
  const { longest } = distances
  const { origin, destination, distanceMi } = longest
  const day = new Date(longest.dateMs).toISOString().slice(0, 10)
  const lateShare = percent(delays.late / rows, 1)
  return table(
    [
      ['late', `${count(delays.late)} flights (${lateShare}) by ${LATE_MIN} minutes or more`],
      ['alerts', `${count(alerts.alerts)} flights late by ${ALERT_MIN} minutes or more`],
      ...alertLines(alerts).map((line) => ['', line]),
      ['distance', `${count(distances.miles)} miles in all`],
      ['', `longest: ${origin} to ${destination}, ${count(distanceMi)} miles, on ${day}`],
    ],
    'll',
  ).map(indent)
}

/** @param {import('./messages.mjs').Alerts} alerts */
function alertLines({ airports, states }) {
  if (airports.size === 0) return []
  const [most] = [...airports.values()].sort((a, b) => b.alerts - a.alerts)
  const worstMin = Math.max(...[...airports.values()].map((airport) => airport.worstMin))
  return [
    `from ${airports.size} airports in ${states.size} states and territories,` +
      ` the latest by ${count(worstMin)} minutes`,
    `most from ${most.city}, ${most.state} (${most.name}): ${count(most.alerts)}`,
  ]
}

/** @param {Outcome} outcome */
function measureLines({ rows, run, reference }) {
  const { measures, places } = run
  const { deliveries, elapsedMs, deliveriesPerS, feed, latency, lookups } = measures
  const agents = places.map(({ index, agents }) => `${agents.join(', ')} on thread ${index}`)
  return table(
    [
      ['agents', agents.join('; ')],
      ['wake-ups', run.hasAddon ? 'native addon' : 'pure JavaScript, without the native addon'],
      [
        'messages',
        `${count(deliveries)} arrived (${count(rows)} flights, 3 subscribers) in ` +
          `${seconds(elapsedMs)}: ${rate(deliveriesPerS)}`,
      ],
      [
        'feed',
        `${seconds(feed.readMs)} reading Parquet, ${seconds(feed.waitMs)} waiting for room ` +
          `(${count(feed.waits)} times)`,
      ],
      ['latency', percentiles(latency)],
      ['', `publish to handler under full load, queues included; every ${SAMPLE_EVERY}th flight`],
      ['look-ups', percentiles(lookups)],
      ['', `${count(lookups.samples)} requests from alerts to airports and back, under full load`],
      [
        'plain loop',
        `${seconds(reference.readMs)} reading Parquet, ${seconds(reference.loopMs)} adding up`,
      ],
      ['', 'sums as small as these need no messages, and a loop is faster: here it is the proof'],
    ],
    'll',
  ).map(indent)
}

/** @param {Outcome['check']} check */
function differenceLines({ differences }) {
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX)
  const more = differences.length - shown.length
  return [
    ...shown.map(({ path, expected, found }) => indent(`${path}: ${found}, expected ${expected}`)),
    ...(more > 0 ? [indent(`and ${count(more)} more`)] : []),
  ]
}

/** @param {ReturnType<import('./latency.mjs').Latency['summary']>} summary */
function percentiles({ p50Ms, p90Ms, p99Ms, p999Ms, maxMs }) {
  return (
    `p50 ${duration(p50Ms)}, p90 ${duration(p90Ms)}, p99 ${duration(p99Ms)}, ` +
    `p99.9 ${duration(p999Ms)}, max ${duration(maxMs)}`
  )
}

/** @param {number} value */
const minutes = (value) => `${value.toFixed(1)} min`

/** @param {string} line */
const indent = (line) => `  ${line}`

/**
 * @param {Map<string, import('./messages.mjs').AirportDelays>} airports
 * @param {string} code
 */
const delaysAt = (airports, code) => airports.get(code) ?? { departures: 0, delayMin: 0, late: 0 }

/**
 * @param {import('./replay.mjs').Run} run
 * @param {string} code
 */
function nameOf({ names }, code) {
  const name = names.get(code) ?? ''
  return name.length <= NAME_COLUMNS ? name : `${name.slice(0, NAME_COLUMNS - 1)}…`
}
