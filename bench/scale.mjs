// What do more threads bring? `npm run bench:scale -- --help`
//
// The same struct as in `one-to-one-struct`, between more and more threads: in pairs that have
// nothing in common, and from all to all. Received messages are counted, each sender's order and
// each receiver's sum is checked.

import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runInFreshProcess } from './lib/child.mjs'
import { checkNames, checkSave, numberIn, optionsOf, run } from './lib/command-line.mjs'
import { SHAPES } from './lib/mesh.mjs'
import { createProgressLine } from './lib/report.mjs'
import { runRounds } from './lib/rounds.mjs'
import { headOf, headText, writeRun } from './lib/run-file.mjs'
import { scalePlots } from './lib/run-plots.mjs'
import { limitsText, scaleRows, scaleTableText, threadCounts } from './lib/scale-report.mjs'
import { loadScenario } from './lib/scenarios.mjs'

const HELP = `What do more threads bring?

  npm run bench:scale                           1, 2, 4, … threads, as many as there are cores
  npm run bench:scale -- --threads 8            up to 8
  npm run bench:scale -- --shape pairs --quick

  --threads N        the most threads that talk (default: the cores this process may use)
  --shape NAME       pairs or all-to-all; repeatable
  --contender NAME   flyshuttle, flyshuttle-js or postMessage; repeatable
  --rounds N         fresh processes per row (default 3)
  --quick            0.15 s per run instead of 0.7 s
  --json FILE        also write { node, commit, date, machine, rows }
  --save             also write bench/results/scale.json and .svg
  --help             this

Shapes
  pairs        thread 0 sends to 1, 2 to 3, …: no two pairs have anything in common
  all-to-all   every thread sends to every other; a lone one to itself

Threads beyond the cores take turns, and what is measured then is the scheduler; the conducting
main thread sleeps and is not counted. The exit code is 1 when a row was refused, and 2 when a
command line could not be understood.`

const CONTENDERS = ['flyshuttle', 'flyshuttle-js', 'postMessage']
const THREADS_MAX = 62
const FULL = { warmupMs: 150, measuredMs: 700 }
const QUICK = { warmupMs: 100, measuredMs: 150 }
const FILE = fileURLToPath(new URL('scenarios/mesh.mjs', import.meta.url))

await run(main)

async function main() {
  const given = readCommandLine()
  if (given.help) {
    console.log(HELP)
    return 0
  }
  const pace = given.quick ? QUICK : FULL
  const { rounds = 3, threads: threadsMax = availableParallelism() } = given
  const contenders = given.contender ?? CONTENDERS
  const { file } = await loadScenario(FILE)
  const head = headOf()
  console.log(headText(head))
  console.log(`medians of ${rounds} runs, each in a fresh process; ratios are medians of pairs`)
  for (const text of limitsText(availableParallelism(), threadsMax)) console.log(text)

  const rows = []
  const progress = createProgressLine(process.stderr)
  for (const shape of given.shape ?? SHAPES) {
    const shapeRows = []
    for (const nodes of threadCounts(shape, threadsMax)) {
      const found = await runRounds(contenders, {
        warmupRounds: 0,
        rounds,
        run: (contender) => runInFreshProcess(file, contender, { ...pace, shape, nodes }),
        onRun: (contender, round) =>
          progress.show(
            `${shape}, ${nodes} threads: round ${round + 1} of ${rounds}, ${contender}`,
          ),
      })
      shapeRows.push(...scaleRows(shape, nodes, found))
    }
    progress.clear()
    console.log(`\n${scaleTableText(shape, shapeRows)}`)
    rows.push(...shapeRows)
  }
  writeRun('scale', { ...head, cores: availableParallelism(), rows }, given, scalePlots)
  return rows.every(({ verified }) => verified) ? 0 : 1
}

function readCommandLine() {
  const texts = { threads: 'text', rounds: 'text', json: 'text' }
  const flags = { quick: 'flag', save: 'flag', help: 'flag' }
  const values = optionsOf({ ...texts, shape: 'list', contender: 'list', ...flags })
  checkNames('shape', values.shape, SHAPES)
  checkNames('contender', values.contender, CONTENDERS)
  checkSave(values, ['quick', 'shape', 'contender'])
  return {
    ...values,
    threads: numberIn('--threads', values.threads, THREADS_MAX),
    rounds: numberIn('--rounds', values.rounds, 999),
  }
}
