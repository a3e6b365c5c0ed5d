// How does Flyshuttle compare with its peers? `node bench/compare/compare.mjs --help`
//
// The rules are those of `bench:throughput`: each run is a fresh process, contenders take turns,
// ratios are medians of pairs, and what was not proved to have arrived is not printed. Only the
// packages differ: the peers are installed in this folder, and a missing one is not run.

import { fileURLToPath } from 'node:url'
import { runInFreshProcess } from '../lib/child.mjs'
import { checkNames, checkSave, numberIn, optionsOf, run } from '../lib/command-line.mjs'
import { createProgressLine, tableText } from '../lib/report.mjs'
import { jsonRow, runRounds } from '../lib/rounds.mjs'
import { headOf, headText, writeRun } from '../lib/run-file.mjs'
import { comparePlots } from '../lib/run-plots.mjs'
import { loadScenario, UsageError } from '../lib/scenarios.mjs'

const HELP = `How does Flyshuttle compare with its peers?

  cd bench/compare && npm ci --ignore-scripts   the peers, into this folder only
  node bench/compare/compare.mjs                everything, about six minutes
  node bench/compare/compare.mjs --scenario call-serial --contender flyshuttle --contender knitting

  --scenario NAME    one of the scenarios below; repeatable
  --contender NAME   run only this contender; repeatable. Ratios need their baselines
  --pairs N          rounds; in each, every contender runs once (default 5, quick 3)
  --quick            0.15 s per run
  --json FILE        also write { node, commit, date, machine, rows }
  --save             also write bench/results/compare.json and .svg
  --help             this

Scenarios
  call-serial      the main thread calls a worker, one call at a time; with latencies
  call-batch       the main thread calls a worker, batches of 1,000
  call-pipelined   the main thread calls a worker, 1,000 callers at a time
  one-way-object   { id, topic, price, qty, user } from one worker to another

Contenders
  flyshuttle, flyshuttle-js, postMessage   as in bench:throughput
  flyshuttle-each                          each batch in one requestEach (call-batch only)
  knitting, knitting-f64                   a pool over shared memory: objects, Float64Arrays
  zeromq                                   ZeroMQ sockets, JSON
  nats                                     nats.js and a nats-server of its own on loopback, JSON
  moleculer-tcp                            two Moleculer brokers on loopback, JSON
  moleculer-local                          one Moleculer broker, in one thread: nothing travels

A peer that is not installed is listed as not run, with what to do about it. A row whose messages
did not all arrive, in order and unharmed, is refused and has no figures; the exit code is 1 then,
and 2 when a command line could not be understood.`

const SCENARIOS = ['call-serial', 'call-batch', 'call-pipelined', 'one-way-object']
const FULL = { rounds: 5, warmupMs: 150, measuredMs: 700 }
const QUICK = { rounds: 3, warmupMs: 100, measuredMs: 150 }

await run(main)

async function main() {
  const given = readCommandLine()
  if (given.help) {
    console.log(HELP)
    return 0
  }
  const { rounds: roundsUsual, ...pace } = given.quick ? QUICK : FULL
  const rounds = given.pairs ?? roundsUsual
  const names = given.scenario ?? SCENARIOS
  const loaded = await Promise.all(names.map((name) => loadScenario(pathOf(name))))
  const plans = loaded.map(({ file, scenario }) => ({
    file,
    scenario,
    contenders: Object.keys(scenario.contenders).filter(
      (name) => given.contender === undefined || given.contender.includes(name),
    ),
  }))
  if (plans.every(({ contenders }) => contenders.length === 0)) {
    throw new UsageError(`no contender is called ${given.contender.join(' or ')}`)
  }
  const head = headOf()
  console.log(headText(head))
  console.log(`medians of ${rounds} runs, each in a fresh process; ratios are medians of pairs`)

  const rows = []
  const progress = createProgressLine(process.stderr)
  for (const { file, scenario, contenders } of plans) {
    if (contenders.length === 0) continue
    const found = await runRounds(contenders, {
      warmupRounds: 0,
      rounds,
      run: (contender) => runInFreshProcess(file, contender, pace),
      onRun: (contender, round) =>
        progress.show(`${scenario.name}: round ${round + 1} of ${rounds}, ${contender}`),
    })
    progress.clear()
    console.log(`\n${tableText(scenario, found)}`)
    const ran = found.filter(({ notRun }) => notRun === null)
    rows.push(...ran.map((row) => jsonRow(scenario.name, scenario.unit, row)))
  }
  writeRun('compare', { ...head, rows }, given, comparePlots)
  return rows.every(({ verified }) => verified) ? 0 : 1
}

function pathOf(name) {
  return fileURLToPath(new URL(`scenarios/${name}.mjs`, import.meta.url))
}

function readCommandLine() {
  const options = { scenario: 'list', contender: 'list', pairs: 'text', json: 'text' }
  const values = optionsOf({ ...options, quick: 'flag', save: 'flag', help: 'flag' })
  checkNames('scenario', values.scenario, SCENARIOS)
  checkSave(values, ['quick', 'scenario', 'contender'])
  return { ...values, pairs: numberIn('--pairs', values.pairs, 999) }
}
