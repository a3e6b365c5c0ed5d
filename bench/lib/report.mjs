// What is printed: one table per scenario, without colour, the same on a terminal and in a pipe.

import { LATENCY_COLUMNS, latencyRow } from './latency.mjs'
import { median, pairedRatios, ratiosOnOwnCores } from './statistics.mjs'

/**
 * A rate to three digits: '31.2 M/s', '812 k/s', '96.0 /s'.
 *
 * @param {number} perSecond
 */
export function rateText(perSecond) {
  if (perSecond >= 999_500) return `${threeDigits(perSecond / 1e6)} M/s`
  if (perSecond >= 999.5) return `${threeDigits(perSecond / 1e3)} k/s`
  return `${threeDigits(perSecond)} /s`
}

/** Three digits, and more where there are more before the point: '0.43', '31.2', '1204'. */
export function threeDigits(value) {
  const digitsBefore = Math.max(1, Math.floor(Math.log10(Math.max(value, 0.01))) + 1)
  return value.toFixed(Math.max(0, 3 - digitsBefore))
}

/**
 * The table of one scenario.
 *
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {readonly import('./rounds.mjs').Row[]} rows
 */
export function tableText({ name, question, unit, baselines }, rows) {
  const measured = rows.filter(({ samples, refused }) => samples.length > 0 && refused === null)
  const compared = baselines.flatMap((b) => measured.filter(({ contender }) => contender === b))
  const hasLatency = measured.some(({ latencies }) => latencies.length > 0)
  const head = [
    'contender',
    'median',
    'min – max',
    ...compared.map(({ contender }) => `× ${contender}`),
    ...(hasLatency ? Object.values(LATENCY_COLUMNS) : []),
  ]
  const body = measured.map(({ contender, samples, latencies }) => {
    const latency = latencyRow(latencies)
    return [
      contender,
      rateText(median(samples)),
      `${rateText(Math.min(...samples))} – ${rateText(Math.max(...samples))}`,
      ...compared.map((base) => threeDigits(median(pairedRatios(samples, base.samples)))),
      ...(hasLatency ? Object.keys(LATENCY_COLUMNS).map((f) => latencyText(latency[f])) : []),
    ]
  })
  const rest = rows.flatMap(({ contender, refused, notRun }) => {
    if (refused !== null) return [`  ${contender}  refused: ${refused}`]
    return notRun === null ? [] : [`  ${contender}  not run: ${notRun}`]
  })
  const ceiling = compared.find(({ contender }) => contender === 'cpp-limit')
  const onOwnCores = ceiling === undefined ? [] : onOwnCoresText(measured, ceiling)
  const table = aligned([head, ...body])
  return [`${name}: ${question} (${unit})`, ...table, ...onOwnCores, ...rest].join('\n')
}

/** The ratios to C++ once more, of the rounds in which nobody had to share a core. */
function onOwnCoresText(rows, ceiling) {
  if ((ceiling.coresAtOnce ?? []).length === 0) return []
  const texts = rows.flatMap((row) => {
    const ratios = row === ceiling ? [] : ratiosOnOwnCores(row, ceiling)
    const rounds = `${ratios.length} of ${row.samples.length}`
    return ratios.length === 0
      ? []
      : [`    ${row.contender} ${threeDigits(median(ratios))} (${rounds})`]
  })
  if (texts.length === 0) return ['  In no round both threads had a core each.']
  return [`  × ${ceiling.contender} in rounds where both threads had a core each:`, ...texts]
}

const latencyText = (us) => (us === undefined ? '–' : threeDigits(us))

/** The first column to the left, figures to the right. */
export function aligned(table) {
  const widthOf = (column) => Math.max(...table.map((cells) => cells[column].length))
  const widths = table[0].map((_, column) => widthOf(column))
  return table.map((cells) => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    )
    return `  ${padded.join('  ')}`.trimEnd()
  })
}

/**
 * A line that is written over and over on a terminal, and nowhere else.
 *
 * @param {import('node:tty').WriteStream} stream
 */
export function createProgressLine(stream) {
  let width = 0
  return {
    /** @param {string} text */
    show(text) {
      if (!stream.isTTY) return
      const cut = text.slice(0, (stream.columns ?? 80) - 1)
      // Spaces and not an escape code wipe the old text: NO_COLOR and dumb terminals have nothing
      // to object to.
      stream.write(`\r${cut.padEnd(width)}`)
      width = cut.length
    },
    clear() {
      if (width > 0) stream.write(`\r${' '.repeat(width)}\r`)
      width = 0
    },
  }
}
