// The plots of the figures that were saved. Pure, like the table of the README.

import { rateText, threeDigits } from './report.mjs'
import { median, pairedRatios } from './statistics.mjs'
import { barChart } from './svg-bars.mjs'
import { lineChart } from './svg-lines.mjs'
import { ninesOf } from './svg.mjs'

/** Who is drawn how. All that are not named here are others. */
const BAR_TONES = {
  flyshuttle: 'teal',
  'flyshuttle-publisher': 'teal',
  'flyshuttle-each': 'teal',
  'flyshuttle-batches': 'teal',
  'flyshuttle-loan': 'teal',
  'flyshuttle-loan-js': 'mint',
  'flyshuttle-handler': 'mint',
  'flyshuttle-publisher-handler': 'mint',
  'flyshuttle-js': 'mint',
  'cpp-limit': 'ghost',
}
const LINE_TONES = { ...BAR_TONES, postMessage: 'amber', piscina: 'violet' }

/** Field of a row → where it stands. The maximum has no place among the percentiles. */
const PERCENTILES = {
  latencyUsP50: { at: ninesOf(0.5), label: '50 %' },
  latencyUsP90: { at: ninesOf(0.9), label: '90 %' },
  latencyUsP99: { at: ninesOf(0.99), label: '99 %' },
  latencyUsP999: { at: ninesOf(0.999), label: '99.9 %' },
}
const MAXIMUM = { at: 4, label: 'max' }

/**
 * File name → SVG.
 *
 * @param {import('./results.mjs').Results} results
 * @param {readonly import('./scenarios.mjs').Scenario[]} scenarios
 * @returns {Map<string, string>}
 */
export function plotsOf(results, scenarios) {
  const plots = new Map([['throughput.svg', ratePlot(results, scenarios)]])
  const timed = results.rows.filter((row) => row.verified && row.latencies !== undefined)
  if (timed.length > 0) plots.set('round-trips.svg', roundTripPlot(results, timed))
  return plots
}

function ratePlot(results, scenarios) {
  const panels = scenarios.map((scenario) => {
    const rows = results.rows.filter((row) => row.scenario === scenario.name)
    const base = rows.find(({ contender }) => contender === scenario.baselines[0])
    const { title, threads, unit } = scenario
    const crowd = threads > results.cores ? `, ${threads} threads on ${results.cores} cores` : ''
    return { title: `${title} (${unit}${crowd})`, bars: rows.map((row) => barOf(row, base)) }
  })
  const said = panels.map(({ title, bars }) => {
    return `${title}: ${bars.map(({ name, text }) => `${name} ${text}`).join(', ')}.`
  })
  return barChart({
    title: 'How many messages travel between threads in a second',
    desc: said.join(' '),
    panels,
    format: tickText,
    caption:
      'A bar ends at the median of the rounds, each in a fresh process; the whisker spans the ' +
      'slowest and the fastest. × is the median ratio to postMessage in the same round. ' +
      `The scale is logarithmic. ${placeText(results)}`,
    columns: 2,
    width: 960,
  })
}

function barOf({ contender, verified, median: middle, min, max, samples, refused }, base) {
  const bar = { name: contender, tone: BAR_TONES[contender] ?? 'slate' }
  if (!verified) return { ...bar, value: null, text: `refused: ${refused}` }
  const isCompared = base?.verified === true && base.contender !== contender
  const ratio = isCompared ? median(pairedRatios(samples, base.samples)) : null
  return {
    ...bar,
    value: { median: middle, min, max },
    text: rateText(middle),
    note: ratio === null ? undefined : `${threeDigits(ratio)}×`,
  }
}

function roundTripPlot(results, timed) {
  const series = timed.map(({ contender, latencies, ...row }) => {
    const fields = Object.entries(PERCENTILES)
    const spread = (field) => latencies.map((round) => round[field])
    return {
      name: contender,
      tone: LINE_TONES[contender] ?? 'slate',
      points: fields.map(([field, { at }]) => [at, row[field]]),
      apart: [[MAXIMUM.at, row.latencyUsMax]],
      band: fields.map(([field, { at }]) => {
        return [at, Math.min(...spread(field)), Math.max(...spread(field))]
      }),
    }
  })
  const said = timed.map(({ contender, latencyUsP50, latencyUsP99 }) => {
    const [half, most] = [latencyUsP50, latencyUsP99].map(durationText)
    return `${contender}: ${half} at 50 %, ${most} at 99 %.`
  })
  return lineChart({
    title: 'How long one request takes, with its reply, when nothing else is under way',
    desc: said.join(' '),
    x: {
      label: 'this part of the requests took no longer',
      ticks: [...Object.values(PERCENTILES), MAXIMUM],
    },
    y: { label: 'round trip', format: durationText },
    series,
    caption:
      'Lines are medians of the rounds, bands span the rounds, and max is the longest of all. A ' +
      'closed loop: each question waits for the last answer, so this is no statement on load. ' +
      `Both scales are logarithmic. ${placeText(results)}`,
  })
}

function placeText({ node, machine, rows }) {
  const unique = (values) => [...new Set(values)].join(', ')
  const dates = unique(rows.map((row) => row.date.slice(0, 10)).sort())
  return `Node ${node}, ${machine}; commit ${unique(rows.map((row) => row.commit))}, ${dates}.`
}

/** 1000000 → '1M' */
export function tickText(perSecond) {
  if (perSecond >= 1e6) return `${perSecond / 1e6}M`
  return perSecond >= 1e3 ? `${perSecond / 1e3}k` : String(perSecond)
}

/** 12.5 µs, 3 ms */
export function durationText(us) {
  if (us >= 1e6) return `${Number((us / 1e6).toPrecision(3))} s`
  return us >= 1e3 ? `${Number((us / 1e3).toPrecision(3))} ms` : `${Number(us.toPrecision(3))} µs`
}
