// How late do messages arrive at a given rate? `npm run bench:latency -- --help`
//
// An open loop: messages are due at fixed times, and latency runs from then, so a sender that is
// held up cannot hide it. A run that missed its rate is no measurement of it, and gives no figure.
// README.md in this folder tells how to read the table.

import { fileURLToPath } from 'node:url'
import { runInFreshProcess } from './lib/child.mjs'
import { checkNames, checkSave, numberIn, optionsOf, run } from './lib/command-line.mjs'
import { latencyJsonRow, latencyTableText } from './lib/latency-report.mjs'
import { paceRefusalOf } from './lib/paced.mjs'
import { createProgressLine, rateText } from './lib/report.mjs'
import { runRounds } from './lib/rounds.mjs'
import { headOf, headText, writeRun } from './lib/run-file.mjs'
import { latencyPlots } from './lib/run-plots.mjs'
import { loadScenario } from './lib/scenarios.mjs'
import { refusalOf } from './lib/verdict.mjs'

const HELP = `How late do messages arrive at a given rate?

  npm run bench:latency                         everything, about six minutes
  npm run bench:latency -- --quick              one short run of each, about a minute
  npm run bench:latency -- --scenario publish --rate 100000 --rounds 7

  --scenario NAME    publish or request; repeatable
  --contender NAME   flyshuttle, flyshuttle-js or postMessage; repeatable
  --rate N           messages per second; repeatable (default 200, 1k, 10k, 100k, 500k)
  --rounds N         fresh processes per row (default 3, quick 1)
  --quick            one round of 0.5 s per row (1 s at the lowest rate)
  --json FILE        also write { node, commit, date, machine, rows }
  --save             also write bench/results/latency.json and its plots
  --help             this

Latency runs from when a message was due, not from when its sender got to it. The receiver is
parked when 95 % of the messages found its event loop asleep, hot when 5 % did, warm in between;
each row says which. At 500/s and below a receiver that was not parked refuses the row.
A row is also refused when 1 % of its messages were not handled by the time they all were due, and
when any was lost, repeated, reordered or harmed; the exit code is 1 then, and 2 when a command
line could not be understood.`

/** The path of each scenario's file. */
const SCENARIOS = {
  publish: fileURLToPath(new URL('scenarios/paced-publish.mjs', import.meta.url)),
  request: fileURLToPath(new URL('scenarios/paced-request.mjs', import.meta.url)),
}
const CONTENDERS = ['flyshuttle', 'flyshuttle-js', 'postMessage']
const RATES = [200, 1_000, 10_000, 100_000, 500_000]
/**
 * At this rate and below the receiver has to be found asleep: 2 ms are forty times as long as it
 * spins.
 */
const PARKED_RATE_MAX = 500
const FULL = { rounds: 3, measuredMs: 2_000, parkedMs: 5_000 }
const QUICK = { rounds: 1, measuredMs: 500, parkedMs: 1_000 }

await run(main)

async function main() {
  const given = readCommandLine()
  if (given.help) {
    console.log(HELP)
    return 0
  }
  const pace = given.quick ? QUICK : FULL
  const rounds = given.rounds ?? pace.rounds
  const contenders = given.contender ?? CONTENDERS
  const head = headOf()
  console.log(headText(head))
  console.log(`${rounds} fresh processes per row; latency runs from when a message was due`)

  const rows = []
  const progress = createProgressLine(process.stderr)
  for (const name of given.scenario ?? Object.keys(SCENARIOS)) {
    const { file, scenario } = await loadScenario(SCENARIOS[name])
    const scenarioRows = []
    /** @type {Map<string, { contender: string, notRun: string }>} */
    const notRun = new Map()
    for (const ratePerSecond of given.rate ?? RATES) {
      const mustPark = ratePerSecond <= PARKED_RATE_MAX
      const options = { ratePerSecond, measuredMs: mustPark ? pace.parkedMs : pace.measuredMs }
      const found = await runRounds(contenders, {
        warmupRounds: 0,
        rounds,
        run: async (contender) => {
          const result = await runInFreshProcess(file, contender, options)
          const reason = refusalOf(result) === null ? paceRefusalOf(result.latency, mustPark) : null
          return reason === null ? result : { failed: reason }
        },
        onRun: (contender, round) => {
          const what = `${name} at ${rateText(ratePerSecond)}`
          progress.show(`${what}: round ${round + 1} of ${rounds}, ${contender}`)
        },
      })
      for (const row of found) if (row.notRun !== null) notRun.set(row.contender, row)
      const ran = found.filter((row) => row.notRun === null)
      scenarioRows.push(...ran.map((row) => latencyJsonRow(name, ratePerSecond, row)))
    }
    progress.clear()
    console.log(`\n${latencyTableText(scenario, scenarioRows, [...notRun.values()])}`)
    rows.push(...scenarioRows)
  }
  writeRun('latency', { ...head, rows }, given, latencyPlots)
  return rows.every(({ verified }) => verified) ? 0 : 1
}

function readCommandLine() {
  const lists = { scenario: 'list', contender: 'list', rate: 'list' }
  const flags = { quick: 'flag', save: 'flag', help: 'flag' }
  const values = optionsOf({ ...lists, rounds: 'text', json: 'text', ...flags })
  const { scenario, contender, rate, rounds } = values
  checkNames('scenario', scenario, Object.keys(SCENARIOS))
  checkNames('contender', contender, CONTENDERS)
  checkSave(values, ['quick', 'scenario', 'contender', 'rate'])
  return {
    ...values,
    rate: rate?.map((value) => numberIn('--rate', value, 10_000_000)).sort((a, b) => a - b),
    rounds: numberIn('--rounds', rounds, 999),
  }
}
