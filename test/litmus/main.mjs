// Litmus tests of shared memory, JavaScript with JavaScript and with C++, in the manner of
// jcstress: a histogram of what two threads saw for each, and exit code 1 if anything forbidden was
// among it.
//
//     npm run test:litmus                      this Node
//     npx -y node@22 test/litmus/main.mjs      another
//     … main.mjs --seconds 10 --only version   longer, and one test
//
// Needs the addon for the pairings with C++ (build/Release); without it they are left out, aloud.

import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { TESTS } from './actors.mjs'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '20000' },
    only: { type: 'string', default: '' },
  },
})
const hasAddon = existsSync(new URL('../../build/Release/flyshuttle.node', import.meta.url))
const pairings = hasAddon ? ['JS and JS', 'JS and C++', 'C++ and JS'] : ['JS and JS']

console.log(`Node ${process.version}, ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)
if (!hasAddon) console.log('no addon in build/Release: pairings with C++ are left out')

let failures = 0
const names = Object.keys(TESTS)
if (!names.some((name) => name.includes(values.only))) {
  console.error(`--only is ${values.only}; wanted a part of ${names.join(', ')}`)
  process.exit(2)
}
for (const [name, test] of Object.entries(TESTS)) {
  if (!name.includes(values.only)) continue
  for (const pairing of pairings) {
    if (test.native === null && pairing !== 'JS and JS') continue
    const { counts, rounds } = await run(name, pairing)
    const { forbidden = [], interesting = [] } = test
    const isBad = forbidden.some((outcome) => counts[outcome] > 0)
    if (isBad || rounds === 0) failures++
    console.log(`\n${name}, ${pairing}: ${rounds} times${isBad ? '  FORBIDDEN' : ''}`)
    for (const outcome of Object.keys(counts).sort()) {
      const mark = forbidden.includes(outcome)
        ? 'forbidden'
        : interesting.includes(outcome)
          ? 'interesting'
          : ''
      console.log(
        `  ${outcome.padEnd(6)} ${String(counts[outcome]).padStart(10)}  ${mark}`.trimEnd(),
      )
    }
  }
}
console.log(failures === 0 ? '\nnothing forbidden was seen' : `\n${failures} tests FAILED`)
process.exitCode = failures === 0 ? 0 : 1

function run(name, pairing) {
  const workerData = {
    name,
    pairing,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
  }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('lead.mjs', import.meta.url), { workerData })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
