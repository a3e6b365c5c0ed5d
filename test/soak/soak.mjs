// Everything that takes long: `npm run test:soak -- --help`
//
// Each phase is a process of its own. Memory is judged by what grows, not by how much there is.

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const HELP = `Everything that takes long. Each phase with the addon and without.

  npm run test:soak                              over an hour on two cores
  npm run test:soak -- --minutes 3 --kills 200   shorter
  npm run test:soak -- --phase load              one phase; repeatable
  npm run test:soak -- --variant addon           one variant

Phases
  load         three threads that all send to all at full speed for --minutes (default 10; portable
               a fifth of it), every message checked, at least --frames of them (default 100 million
               in 10 minutes); each thread's heap and the RSS must stay flat
  mixed        three threads that use every pattern at once, for a third of --minutes: everything
               arrives, memory stays flat, nothing is left in use
  kills        a worker under load is ended --kills times (default 1000, half of them in each
               variant): terminate(), process.exit, an uncaught throw, an exhausted heap
  queue-kills  workers that add jobs to work queues and handle them are ended --queue-kills times
               (default 10,000, half of them in each variant): no accepted job may be lost
  loan-kills   threads that lend and lease blocks all the time are ended --loan-kills times (default
               1000, half of them in each variant): what is leased stays whole, no block is left
  stream-kills threads that reply with streams and read each other's are ended --stream-kills times
               (default 3000, half of them in each variant): parts in order, nothing stays open
  fail-points  a thread is ended at every step of the protocol, in every way

  --plot FILE  writes the memory of the last load as an SVG image
  --leak       leaks eight bytes in a thousand messages: the load must fail then
  --seed N     of the moments of the kills; default: printed
  --json FILE  also write { phases: [{ name, passed, failed, seconds }] }

The last line is "N passed, N failed".`

const PHASES = [
  'load',
  'mixed',
  'kills',
  'queue-kills',
  'loan-kills',
  'stream-kills',
  'fail-points',
]
const VARIANTS = ['addon', 'portable']

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    frames: { type: 'string' },
    kills: { type: 'string', default: '1000' },
    'queue-kills': { type: 'string', default: '10000' },
    phase: { type: 'string', multiple: true },
    variant: { type: 'string', multiple: true },
    'loan-kills': { type: 'string', default: '1000' },
    'stream-kills': { type: 'string', default: '3000' },
    plot: { type: 'string' },
    leak: { type: 'boolean', default: false },
    seed: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (values.help) console.log(HELP)
else process.exitCode = await main()

async function main() {
  const phases = []
  for (const name of values.phase ?? PHASES) {
    for (const variant of values.variant ?? VARIANTS) phases.push({ name, variant })
  }
  const seed = Number(values.seed ?? Date.now() % 1e9)
  console.log(`Node ${process.version}, seed ${seed}`)
  const done = []
  for (const { name, variant } of phases) {
    console.log(`\n=== ${name}, ${variant}`)
    const startedMs = performance.now()
    const counts = await run(argumentsOf(name, variant, seed))
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    done.push({ name: `${name}, ${variant}`, ...counts, seconds })
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ phases: done }, null, 2)}\n`)
  }
  console.log('')
  for (const { name, passed, failed, seconds } of done) {
    console.log(`${name}: ${passed} passed, ${failed} failed, ${seconds} s`)
  }
  const sum = (key) => done.reduce((total, counts) => total + counts[key], 0)
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`)
  return sum('failed') === 0 ? 0 : 1
}

/** What to run Node with, for a phase. */
function argumentsOf(phase, variant, seed) {
  const addon = variant === 'addon'
  const file = (name) => fileURLToPath(new URL(name, import.meta.url))
  switch (phase) {
    case 'mixed': {
      const seconds = (Number(values.minutes) * 60) / 3
      return [...watched(), file('mixed.mjs'), JSON.stringify({ addon, seconds })]
    }
    case 'load': {
      const minutes = Number(values.minutes) / (addon ? 1 : 5)
      // Ten million a minute is a tenth of what a slow machine does.
      const frames = Number(values.frames ?? minutes * 10e6)
      const { leak, plot } = values
      const options = { addon, seconds: minutes * 60, frames, leak, plot }
      return [...watched(), file('load.mjs'), JSON.stringify(options)]
    }
    case 'kills': {
      const kills = Math.ceil(Number(values.kills) / VARIANTS.length)
      return ['--max-old-space-size=64', file('kills.mjs'), String(addon), `${kills}`, `${seed}`]
    }
    case 'queue-kills':
    case 'loan-kills':
    case 'stream-kills': {
      const kills = Math.ceil(Number(values[phase]) / VARIANTS.length)
      return [file(`${phase}.mjs`), String(addon), `${kills}`, `${seed}`]
    }
    case 'fail-points':
      return [file('../fail-points/run.mjs'), '--variant', variant, '--full']
    default:
      throw new Error(`phase ${phase}: wanted ${PHASES.join(', ')}`)
  }
}

/** For processes whose memory is judged: V8 must not double the young generation meanwhile. */
function watched() {
  const youngMb = 8
  return ['--expose-gc', `--min-semi-space-size=${youngMb}`, `--max-semi-space-size=${youngMb}`]
}

/** Runs Node, shows what it prints, and returns what its last line counts. */
function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
      process.stdout.write(chunk)
    })
    child.once('close', (code, signal) => {
      const counts = /(\d+) passed, (\d+) failed\s*$/.exec(output)
      const [passed, failed] = counts === null ? [0, 0] : [Number(counts[1]), Number(counts[2])]
      const isGood = code === 0 && counts !== null
      if (!isGood) console.log(`ended with ${code ?? signal}`)
      resolve({ passed, failed: isGood ? failed : Math.max(1, failed) })
    })
  })
}
