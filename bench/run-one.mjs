// Runs one contender of one scenario in this process and prints its result as one line of JSON.
//
//     node bench/run-one.mjs one-to-one-struct flyshuttle '{"warmupMs":100,"measuredMs":500}'
//
// `throughput.mjs` starts a fresh one per run; started by hand it is the place for a profiler.

import { loadScenario } from './lib/scenarios.mjs'

const DEFAULTS = { warmupMs: 150, measuredMs: 700 }

const [, , name, contender, options = '{}'] = process.argv
if (name === undefined || contender === undefined) {
  console.error("usage: node bench/run-one.mjs SCENARIO CONTENDER ['{\"measuredMs\":700}']")
  process.exit(2)
}
const { scenario } = await loadScenario(name)
const run = scenario.contenders[contender]
if (run === undefined) {
  const known = Object.keys(scenario.contenders).join(', ')
  console.error(`${scenario.name} has no contender ${contender}; it has ${known}`)
  process.exit(2)
}
const result = await run({ ...DEFAULTS, ...JSON.parse(options) })
console.log(JSON.stringify(result))
