// `npm start`: replays three million real flights through a fleet of agents, prints what they
// found, and checks every sum against a plain loop. See README.md beside this file.
import { compare } from './compare.mjs'
import { countFlights } from './data.mjs'
import { HELP, UsageError, readOptions } from './options.mjs'
import { openProgress } from './progress.mjs'
import { computeReference } from './reference.mjs'
import { replay } from './replay.mjs'
import { formatReport } from './report.mjs'
import { count } from './text.mjs'

const BUSIEST_AIRPORTS = 10
const WORST_AIRPORTS = 5
const { stdout, stderr, argv, env } = process

// `npm start | head` closes the pipe early; that is no failure of ours.
stdout.on('error', (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error
})

try {
  process.exitCode = await main(argv.slice(2))
} catch (error) {
  const isUsage = error instanceof UsageError
  stderr.write(`flights: ${isUsage ? error.message : explain(error)}\n`)
  if (isUsage) stderr.write('Try `npm start -- --help`.\n')
  process.exitCode = isUsage ? 2 : 1
}

/** @param {string[]} args */
async function main(args) {
  const options = readOptions(args)
  if (options.help) {
    stdout.write(HELP)
    return 0
  }
  const flights = await countFlights()
  const rows = options.rows ?? flights
  if (rows > flights) {
    const wanted = `at most ${flights}: the file holds no more`
    throw new UsageError(`--rows is ${rows}; wanted ${wanted}`)
  }
  // The quietest airports would top the list with a handful of flights.
  const worstOf = { top: WORST_AIRPORTS, departuresMin: Math.ceil(rows / 1000) }
  const progress = options.json ? null : openProgress(stdout, rows)
  if (!options.json && progress === null) stdout.write(`replaying ${count(rows)} flights\n\n`)

  try {
    const onProgress = progress?.update ?? null
    const run = await replay({ rows, worstOf, topAirports: BUSIEST_AIRPORTS, onProgress })
    progress?.show('checking every sum against a single-threaded loop')
    const reference = await computeReference(rows, worstOf)
    const check = compare(reference.result, run.result)
    progress?.close()
    const outcome = { rows, run, reference, check, worstOf }
    const hasColors = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
    stdout.write(options.json ? toJson(outcome) : formatReport(outcome, { hasColors }))
    return check.differences.length === 0 ? 0 : 1
  } catch (error) {
    progress?.close()
    throw error
  }
}

/** @param {import('./report.mjs').Outcome} outcome */
function toJson({ rows, run, reference, check }) {
  const { result, measures, places, hasAddon } = run
  const { readMs, loopMs } = reference
  const printed = { rows, result, measures, places, hasAddon, plain: { readMs, loopMs }, check }
  const plain = (/** @type {string} */ _, /** @type {unknown} */ value) =>
    value instanceof Map ? Object.fromEntries(value) : value
  return JSON.stringify(printed, plain, 2) + '\n'
}

/** @param {unknown} error */
function explain(error) {
  if (!(error instanceof Error)) return String(error)
  const code = /** @type {NodeJS.ErrnoException} */ (error).code
  return `${code === undefined ? '' : `${code}: `}${error.message}`
}
