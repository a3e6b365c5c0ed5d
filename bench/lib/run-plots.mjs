// The plots of latency, scaling and peers. Pure: a run's file is all that they need.

import { rateText } from './report.mjs'
import { durationText, tickText } from './results-plots.mjs'
import { barChart } from './svg-bars.mjs'
import { lineChart } from './svg-lines.mjs'

/** Who is drawn how. All that are not named here are others. */
const TONES = { flyshuttle: 'teal', 'flyshuttle-js': 'mint', postMessage: 'amber' }
const toneOf = (contender) => TONES[contender] ?? 'slate'

/**
 * File name → SVG: for each scenario, latency over the rate.
 *
 * @param {any} run of `latency.mjs`
 * @returns {Map<string, string>}
 */
export function latencyPlots(run) {
  const scenarios = [...new Set(run.rows.map(({ scenario }) => scenario))]
  const plots = scenarios.flatMap((scenario) => {
    const rows = run.rows.filter((row) => row.scenario === scenario && row.verified)
    return rows.length === 0 ? [] : [[`latency-${scenario}.svg`, latencyPlot(run, scenario, rows)]]
  })
  return new Map(plots)
}

function latencyPlot(run, scenario, rows) {
  const contenders = [...new Set(rows.map(({ contender }) => contender))]
  const series = contenders.map((contender) => {
    const own = rows.filter((row) => row.contender === contender)
    return {
      name: contender,
      tone: toneOf(contender),
      points: own.map((row) => [row.ratePerSecond, row.latencyUsP50]),
      band: own.map((row) => {
        return [row.ratePerSecond, row.latencyUsP50, row.latencyUsP99 ?? row.latencyUsMax]
      }),
    }
  })
  const said = rows.map((row) => {
    const p50 = durationText(row.latencyUsP50)
    return `${row.contender} at ${rateText(row.ratePerSecond)}, ${row.receiver}: ${p50} at 50 %.`
  })
  return lineChart({
    title:
      scenario === 'request'
        ? 'How late an answer is at a given rate of questions'
        : 'How late a message is at a given rate',
    desc: said.join(' '),
    x: { label: 'due per second', format: tickText },
    y: { label: 'from when it was due', format: durationText },
    series,
    caption:
      'Lines are medians, bands reach up to 99 %. An open loop: latency runs from when a message ' +
      'was due. Few messages find their receiver asleep, many find it awake; rates that were ' +
      `missed are not drawn. Both scales are logarithmic. ${placeText(run)}`,
  })
}

/** @param {any} run of `scale.mjs` @returns {Map<string, string>} */
export function scalePlots(run) {
  const titleOf = ({ scenario, threads }) => {
    const crowd = threads > run.cores ? ` on ${run.cores} cores` : ''
    return `${scenario}, ${threads} ${threads === 1 ? 'thread' : 'threads'}${crowd}`
  }
  const caption =
    'Messages received in a second, all threads together. Threads beyond the cores take turns.'
  const title = 'What more threads bring'
  return new Map([['scale.svg', rateBars(run, title, titleOf, caption)]])
}

/** @param {any} run of `compare.mjs` @returns {Map<string, string>} */
export function comparePlots(run) {
  const titleOf = ({ scenario, unit }) => `${scenario} (${unit})`
  const title = 'Flyshuttle and its peers'
  return new Map([['compare.svg', rateBars(run, title, titleOf, 'The same payload for all.')]])
}

function rateBars(run, title, titleOf, caption) {
  const titles = [...new Set(run.rows.map(titleOf))]
  const panels = titles.map((panelTitle) => ({
    title: panelTitle,
    bars: run.rows.filter((row) => titleOf(row) === panelTitle).map(barOf),
  }))
  const said = panels.map(({ title: name, bars }) => {
    return `${name}: ${bars.map((bar) => `${bar.name} ${bar.text}`).join(', ')}.`
  })
  return barChart({
    title,
    desc: said.join(' '),
    panels,
    format: tickText,
    caption:
      `${caption} A bar ends at the median of the rounds, each in a fresh process; the whisker ` +
      `spans the slowest and the fastest. The scale is logarithmic. ${placeText(run)}`,
    columns: 2,
    width: 960,
  })
}

function barOf({ contender, verified, refused, median, min, max }) {
  const bar = { name: contender, tone: toneOf(contender) }
  if (!verified) return { ...bar, value: null, text: `refused: ${refused}` }
  return { ...bar, value: { median, min, max }, text: rateText(median) }
}

function placeText({ node, machine, commit, date }) {
  return `Node ${node}, ${machine}; commit ${commit}, ${date.slice(0, 10)}.`
}
