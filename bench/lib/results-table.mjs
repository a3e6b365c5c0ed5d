// The README's section on speed, made of the figures that were saved. It is pure: a test holds that
// the README says what the figures say, so nobody can mend a number by hand.

import { rateText, threeDigits } from './report.mjs'
import { median, pairedRatios, ratiosOnOwnCores } from './statistics.mjs'

const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'

/** Contenders with a column of their own → its heading. The best of the others shares one. */
const OWN_COLUMNS = {
  flyshuttle: 'flyshuttle',
  'flyshuttle-js': 'without the addon',
  postMessage: 'postMessage',
}
const CEILING = 'cpp-limit'

/** Contenders that are ours too, but another way to use it → what they call. */
const OTHER_WAYS = {
  'flyshuttle-publisher': '`publisher()`',
  'flyshuttle-each': '`requestEach()`',
  'flyshuttle-batches': '`batches()`',
  'flyshuttle-loan': '`publishLoan()`, without a copy,',
  'flyshuttle-loan-js': '`publishLoan()` and no addon',
  'flyshuttle-handler': 'a test in the handler',
  'flyshuttle-publisher-handler': '`publisher()` and a test in the handler',
}

const PLOT =
  '![Rates of all scenarios and contenders, with their spread](bench/results/throughput.svg)'

/**
 * @typedef {import('./results.mjs').Results} Results
 * @typedef {import('./scenarios.mjs').Scenario} Scenario
 */

/**
 * @param {Results} results
 * @param {readonly Scenario[]} scenarios
 * @returns {string} Markdown
 */
export function sectionOf(results, scenarios) {
  const head = ['scenario', ...Object.values(OWN_COLUMNS), 'best of the others', 'two C++ threads']
  const body = scenarios.map((scenario) => tableRow(results, scenario))
  const ruler = head.map((_, column) => (column === 0 ? '---' : '--:'))
  const table = [head, ruler, ...body].map((cells) => `| ${cells.join(' | ')} |`)
  const parts = [
    introduction(results),
    table.join('\n'),
    ...otherWays(results, scenarios),
    ...besidesCeiling(results, scenarios),
    ...roundTrips(results),
    PLOT,
  ]
  return parts.join('\n\n')
}

/**
 * The README with another section between its two marks.
 *
 * @param {string} readme
 * @param {string} section
 */
export function replaceSection(readme, section) {
  const [before, rest, ...more] = readme.split(BEGIN)
  const after = rest?.split(END)
  if (after?.length !== 2 || more.length > 0) {
    throw new Error(`the README needs ${BEGIN} and ${END}, once each and in this order`)
  }
  return `${before}${BEGIN}\n${section}\n${END}${after[1]}`
}

function introduction({ node, machine, rows }) {
  const unique = (values) => [...new Set(values)].join(', ')
  const rounds = unique(rows.filter((row) => row.verified).map((row) => row.samples.length))
  const dates = unique(rows.map((row) => row.date.slice(0, 10)).sort())
  const commits = unique(rows.map((row) => `\`${row.commit}\``))
  return [
    `Medians of ${rounds} rounds, each run in a fresh process, contenders taking turns; in`,
    'brackets the median ratio to `postMessage` in the same round. A figure stands here only if',
    'every message arrived, in order, with the right sum. The two C++ threads use the same',
    'kind of ring without any JavaScript: what the machine could do at that moment.',
    `Node ${node} on ${machine}; ${dates}, commit ${commits}.`,
  ].join('\n')
}

function tableRow({ rows, cores }, { name, title, threads, baselines }) {
  const mine = rows.filter(({ scenario }) => scenario === name)
  const base = mine.find(({ contender }) => contender === baselines[0])
  const cell = (row) => cellOf(row, base)
  const find = (wanted) => mine.find(({ contender }) => contender === wanted)
  const others = mine.filter(
    ({ contender, verified }) =>
      verified &&
      !(contender in OWN_COLUMNS) &&
      !(contender in OTHER_WAYS) &&
      contender !== CEILING,
  )
  const best = others.sort((a, b) => b.median - a.median)[0]
  const crowd = threads > cores ? ` (${threads} threads on ${cores} cores)` : ''
  return [
    `${title}${crowd}`,
    ...Object.keys(OWN_COLUMNS).map((contender) => cell(find(contender))),
    best === undefined ? '–' : `${cell(best)} ${best.contender}`,
    cell(find(CEILING)),
  ]
}

function cellOf(row, base) {
  if (row === undefined) return '–'
  if (!row.verified) return 'refused'
  if (row === base || !base?.verified) return rateText(row.median)
  const ratio = median(pairedRatios(row.samples, base.samples))
  return `${rateText(row.median)} (${threeDigits(ratio)}×)`
}

/** What our other ways give, in words, where they were measured. */
function otherWays({ rows }, scenarios) {
  const texts = scenarios.flatMap(({ name, title, baselines }) => {
    const mine = rows.filter(({ scenario }) => scenario === name)
    const base = mine.find(({ contender }) => contender === baselines[0])
    return mine
      .filter(({ contender, verified }) => verified && contender in OTHER_WAYS)
      .map((row) => `${title} with ${OTHER_WAYS[row.contender]} ${cellOf(row, base)}`)
  })
  return texts.length === 0 ? [] : [`Other ways to use it: ${texts.join('; ')}.`]
}

/** What C++ leaves us, in words, where that is asked and nobody had to share a core. */
function besidesCeiling({ rows }, scenarios) {
  const texts = scenarios
    .filter(({ baselines }) => baselines.includes(CEILING))
    .flatMap(({ name, title }) => {
      const mine = rows.filter(({ scenario, verified }) => scenario === name && verified)
      const ceiling = mine.find(({ contender }) => contender === CEILING)
      if (ceiling === undefined) return []
      return Object.entries({ flyshuttle: '`publish`', ...OTHER_WAYS }).flatMap(
        ([wanted, call]) => {
          const row = mine.find(({ contender }) => contender === wanted)
          const ratios = row === undefined ? [] : ratiosOnOwnCores(row, ceiling)
          if (ratios.length === 0) return []
          const rounds = `${ratios.length} of ${row.samples.length}`
          return [`${title} with ${call} ${threeDigits(median(ratios))} (${rounds} rounds)`]
        },
      )
    })
  if (texts.length === 0) return []
  const where = 'Beside the two C++ threads, in rounds where every thread had a core to itself'
  return [`${where}: ${texts.join('; ')}.`]
}

/** What one caller waits for, in words, when it was measured. */
function roundTrips({ rows }) {
  const timed = rows.filter(({ verified, latencyUsP50 }) => verified && latencyUsP50 !== undefined)
  if (timed.length === 0) return []
  const texts = timed.map(({ contender, latencyUsP50, latencyUsP99 }) => {
    return `${contender} ${threeDigits(latencyUsP50)} and ${threeDigits(latencyUsP99)}`
  })
  return [`One request and its reply take, in µs at p50 and at p99:\n${texts.join('; ')}.`]
}
