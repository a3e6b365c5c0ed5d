// What do the parts cost by themselves? `npm run bench:micro -- --help`
//
// One thread, no engine: the operations of which a message consists, and the prices of the machine
// beside them. Each batch returns a sum that is compared, so nothing is compiled away.

import Benchmark from 'benchmark'
import { optionsOf, run } from './lib/command-line.mjs'
import { createProgressLine } from './lib/report.mjs'
import { headOf, headText, writeRun } from './lib/run-file.mjs'
import { UsageError } from './lib/scenarios.mjs'
import { microTableText, rowOf } from './micro/report.mjs'
import { atomicsCases } from './micro/atomics.mjs'
import { codecCases } from './micro/codec.mjs'
import { compressionCases } from './micro/compression.mjs'
import { ringCases } from './micro/ring.mjs'
import { subjectCases } from './micro/subjects.mjs'

const HELP = `What do the parts cost by themselves?

  npm run bench:micro                       everything, about two minutes
  npm run bench:micro -- --filter struct    what has "struct" in its name; repeatable
  npm run bench:micro -- --quick            about 20 seconds, coarser

  --filter TEXT   only cases whose name contains TEXT; repeatable
  --quick         0.2 s per case instead of 2 s
  --json FILE     also write { node, commit, date, machine, rows }
  --help          this

Groups: ring, struct, msgpack, v8, raw, subject, word, clock, lz4, zstd. One thread and no engine:
nothing travels between cores. The fastest sample is what the code costs; the median is what it
cost on this machine at this time. The exit code is 1 when a sum was wrong, and 2 when a command
line could not be understood.`

const FULL_S = 2
const QUICK_S = 0.2

await run(main)

async function main() {
  const given = optionsOf({ filter: 'list', json: 'text', quick: 'flag', help: 'flag' })
  if (given.help) {
    console.log(HELP)
    return 0
  }
  const all = [
    ...ringCases(),
    ...codecCases(),
    ...subjectCases(),
    ...atomicsCases(),
    ...compressionCases(),
  ]
  const chosen = all.filter(
    ({ name }) => given.filter === undefined || given.filter.some((text) => name.includes(text)),
  )
  if (chosen.length === 0) throw new UsageError(`no case has ${given.filter.join(' or ')} in it`)
  const head = headOf()
  console.log(headText(head))

  // A batch is compiled as it stands here, and not as source text that the harness puts together.
  Benchmark.support.decompilation = false
  const progress = createProgressLine(process.stderr)
  const rows = chosen.map((one) => {
    progress.show(one.name)
    return measured(one, given.quick ? QUICK_S : FULL_S)
  })
  progress.clear()
  console.log(microTableText(rows))
  writeRun('micro', { ...head, rows }, given)
  return rows.every(({ verified }) => verified) ? 0 : 1
}

function measured(one, maxTime) {
  const { run, expected } = one
  let wrong = null
  const batch = () => {
    const sum = run()
    if (sum !== expected) wrong ??= sum
  }
  const benchmark = new Benchmark(one.name, batch, { maxTime, minTime: maxTime / 20 })
  benchmark.run()
  return rowOf(one, benchmark.error?.message ?? null, wrong, benchmark.stats.sample)
}
