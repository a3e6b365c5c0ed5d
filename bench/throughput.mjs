// How fast do messages travel between threads? `npm run bench:throughput -- --help`
//
// Each run of a contender is a fresh process; contenders take turns; what was not proved to have
// arrived is not printed. README.md in this folder tells what is counted and how to read it.

import { writeFileSync } from 'node:fs'
import { numberIn, optionsOf, run } from './lib/command-line.mjs'
import { runInFreshProcess } from './lib/child.mjs'
import { createCoreMeter } from './lib/cores.mjs'
import { commitText, coreCount, machineText } from './lib/machine.mjs'
import { createProgressLine, tableText } from './lib/report.mjs'
import { publishResults, saveResults } from './lib/results.mjs'
import { jsonRow, runRounds } from './lib/rounds.mjs'
import { loadScenario, QUICK_SCENARIO_NAMES, SCENARIO_NAMES, UsageError } from './lib/scenarios.mjs'

const HELP = `How fast do messages travel between threads?

  npm run bench:throughput                              everything, about nine minutes
  npm run bench:throughput -- --quick                   some of it in less than a minute, coarser
  npm run bench:throughput -- --scenario request-reply-serial --pairs 9
  npm run bench:throughput -- --contender flyshuttle --contender postMessage
  npm run bench:throughput -- --save                    everything, into bench/results

  --scenario NAME    one of the scenarios below, or the path of a file like them; repeatable
  --contender NAME   run only this contender; repeatable. Ratios need their baseline
  --pairs N          rounds; in each, every contender runs once (default 5, quick 3)
  --quick            one discarded round, then 3 rounds of about 0.15 s per contender. Leaves out
                     what has a * below, unless it is named by --scenario
  --json FILE        also write { node, commit, date, machine, cores, rows }; rates in samples are
                     in run order
  --save             also put the rows into bench/results/throughput.json, in the place of those of
                     the same scenarios, and draw the plots beside it
  --readme           run nothing: write the saved figures into the README, and draw the plots
  --help             this

Scenarios
  one-to-one-struct         40-byte records from one thread to another
  one-to-one-object         { id, topic, price, qty, user } from one thread to another
  one-to-one-bytes-64     * a Uint8Array of 64 bytes from one thread to another
  one-to-one-bytes-1k       the same with 1 KiB
  one-to-one-bytes-64k    * the same with 64 KiB
  fan-in                  * 40-byte records from three threads to one
  fan-out                 * 40-byte records from one thread to three; deliveries are counted
  filter-90               * 40-byte records to a subscription that wants a tenth of them
  loan-1m                 * blocks of 1 MiB from one thread to another
  request-reply-serial      ask and answer, one at a time; with latencies
  request-reply-pipelined   ask and answer, 1,000 in flight
  reply-stream            * 40-byte records as the parts of one reply
  queue-jobs              * 40-byte jobs through a work queue, each acknowledged

Contenders
  flyshuttle            agents on threads of their own, with the native addon
  flyshuttle-publisher  the same by publisher(): fields, no object (struct only)
  flyshuttle-each       the same by requestEach() (request-reply-pipelined only)
  flyshuttle-batches    the same by a generator and batches() (reply-stream only)
  flyshuttle-loan       the same by loan(), publishLoan() and leases (loan-1m only)
  flyshuttle-loan-js    that without the addon
  flyshuttle-handler    every record sent, and looked at in the handler (filter-90 only)
  flyshuttle-publisher-handler   that by publisher()
  flyshuttle-js         the same without the addon
  postMessage           workers and MessageChannels: the baseline of the ratios
  postMessage-batched   the same with arrays of 128
  postMessage-transfer  the same, buffers moved and not copied (bytes of 1 KiB and more)
  postMessage-transfer-back   the same, and given back to be filled again (loan-1m only)
  BroadcastChannel      workers on a channel that all of them hear (not for requests)
  piscina               a pool of one thread (request-reply only)
  cpp-limit             two C++ threads, the same frames, no JavaScript (struct and bytes)

A row whose messages did not all arrive, in order and unharmed, is refused and has no figures;
the exit code is 1 then, and 2 when a command line could not be understood.
One machine doing other things at the same time moves rates by a factor of two. Ratios hold.`

/** How long each run warms up, and how long it measures. */
const FULL = { warmupRounds: 0, rounds: 5, warmupMs: 150, measuredMs: 700, budgetMs: Infinity }
const QUICK = { warmupRounds: 1, rounds: 3, warmupMs: 100, measuredMs: 150, budgetMs: 44_000 }
/** So far behind is not behind: the first scenario has the slowest runs. */
const GRACE_MS = 4_000
/** Rounds that are thrown away need not be long, and neither may runs that are behind time. */
const SHORT = { warmupMs: 20, measuredMs: 40 }

await run(main)

async function main() {
  const given = readCommandLine()
  if (given.help) {
    console.log(HELP)
    return 0
  }
  if (given.readme) {
    await publishResults()
    return 0
  }
  const pace = given.quick ? QUICK : FULL
  const names = given.scenario ?? (given.quick ? QUICK_SCENARIO_NAMES : SCENARIO_NAMES)
  const scenarios = await Promise.all(names.map((name) => loadScenario(name)))
  const plans = scenarios.map(({ file, scenario }) => ({
    file,
    scenario,
    contenders: chosen(Object.keys(scenario.contenders), given.contender),
  }))
  if (plans.every(({ contenders }) => contenders.length === 0)) {
    throw new UsageError(`no contender is called ${given.contender.join(' or ')}`)
  }
  const head = {
    node: process.version,
    commit: commitText(),
    date: new Date().toISOString(),
    machine: machineText(),
    cores: coreCount(),
  }
  const rounds = given.pairs ?? pace.rounds
  console.log(`flyshuttle ${head.commit} · node ${head.node} · ${head.machine}`)
  console.log(`medians of ${rounds} runs, each in a fresh process; ratios are medians of pairs`)
  if (given.quick && given.scenario === undefined) {
    const leftOut = SCENARIO_NAMES.filter((name) => !names.includes(name))
    console.log(`left out by --quick: ${leftOut.join(', ')}`)
  }

  const rows = []
  const runs = plans.reduce((sum, { contenders }) => sum + contenders.length, 0)
  const time = createTimetable(pace.budgetMs, runs * (rounds + pace.warmupRounds))
  const progress = createProgressLine(process.stderr)
  for (const { file, scenario, contenders } of plans) {
    if (contenders.length === 0) continue
    // Only C++ is measured by what the machine could do.
    const meter = scenario.baselines.includes('cpp-limit') ? await createCoreMeter() : null
    const found = await runRounds(contenders, {
      warmupRounds: pace.warmupRounds,
      rounds,
      run: async (contender, isWarmup) => {
        const isShort = isWarmup || time.isRoundShort
        const before = await meter?.measure()
        const result = await runInFreshProcess(file, contender, isShort ? SHORT : paceOf(pace))
        if (meter === null) return result
        return { ...result, coresAtOnce: Math.min(before, await meter.measure()) }
      },
      onRun: (contender, round) => {
        time.begin(round)
        const all = rounds + pace.warmupRounds
        progress.show(`${scenario.name}: round ${round + 1} of ${all}, ${contender}`)
      },
    })
    await meter?.close()
    progress.clear()
    console.log(`\n${tableText(scenario, found)}`)
    if (scenario.threads > head.cores) {
      console.log(
        `  ${scenario.threads} threads on ${head.cores} cores: who runs when is part of it`,
      )
    }
    const ran = found.filter(({ notRun }) => notRun === null)
    rows.push(...ran.map((row) => jsonRow(scenario.name, scenario.unit, row)))
  }
  if (time.roundsShort > 0) {
    console.log(`\nThe machine is busy: ${time.roundsShort} rounds were cut short to end in time.`)
  }
  if (given.json !== undefined) {
    writeFileSync(given.json, `${JSON.stringify({ ...head, rows }, null, 2)}\n`)
  }
  if (given.save) {
    const { commit, date, ...place } = head
    await saveResults({ ...place, rows: rows.map((row) => ({ ...row, commit, date })) })
  }
  return rows.every(({ verified }) => verified) ? 0 : 1
}

function readCommandLine() {
  const options = { scenario: 'list', contender: 'list', pairs: 'text', json: 'text' }
  const flags = { quick: 'flag', save: 'flag', readme: 'flag', help: 'flag' }
  const values = optionsOf({ ...options, ...flags })
  if (values.save) refuseToSave(values)
  return { ...values, pairs: numberIn('--pairs', values.pairs, 999) }
}

/** What is published is whole, of our own scenarios, and took its time. */
function refuseToSave({ quick, contender, scenario = [] }) {
  const foreign = scenario.find((name) => !SCENARIO_NAMES.includes(name))
  if (quick) throw new UsageError('--save wants full rounds; leave out --quick')
  if (contender) throw new UsageError('--save wants all contenders; leave out --contender')
  if (foreign) throw new UsageError(`--save wants scenarios of its own, and not ${foreign}`)
}

function chosen(all, wanted) {
  return all.filter((name) => wanted === undefined || wanted.includes(name))
}

function paceOf({ warmupMs, measuredMs }) {
  return { warmupMs, measuredMs }
}

/**
 * Tells whether a round must be short, so that all of them end in time. All of a round is, or none
 * of it: its samples are paired.
 *
 * @param {number} budgetMs
 * @param {number} runs of all rounds of all scenarios
 */
function createTimetable(budgetMs, runs) {
  const startMs = performance.now()
  let runsBegun = 0
  let roundUnderWay = -1
  return {
    isRoundShort: false,
    roundsShort: 0,
    /** To be called as each run begins. @param {number} round */
    begin(round) {
      if (round !== roundUnderWay) {
        const dueMs = GRACE_MS + (runsBegun / runs) * (budgetMs - GRACE_MS)
        this.isRoundShort = performance.now() - startMs > dueMs
        if (this.isRoundShort && round > 0) this.roundsShort++
        roundUnderWay = round
      }
      runsBegun++
    },
  }
}
