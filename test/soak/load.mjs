// Three threads that all send to all at full speed, every message checked, while the heap of each
// and the memory of the process are watched. Run by `soak.mjs`:
//
//   node --expose-gc load.mjs '{ "addon": true, "seconds": 600, "frames": 2e8, "leak": false }'

import { createEngine } from 'flyshuttle'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { growthOf, plot, sparkline } from './flatness.mjs'

const THREADS = 3
/**
 * Growth that is no leak: from a quarter of the time until the end. A leak of eight bytes in a
 * thousand messages is 0.6 MB then, where a thread has received a hundred million.
 */
const HEAP_GROWTH_BYTES_MAX = 256 * 1024
const RSS_GROWTH_BYTES_MAX = 8 * 2 ** 20
const SAMPLES = 100
const MINUTE_MS = 60_000

const options = JSON.parse(process.argv[2])
const { addon, seconds, leak } = options
const name = addon ? 'addon' : 'portable'
const engine = await createEngine({ threads: THREADS, addon })
const agents = Array.from({ length: THREADS }, (_, index) => `everyone${index}`)
for (const [lane, agent] of agents.entries()) {
  const file = new URL('./agents/everyone.mjs', import.meta.url)
  await engine.spawn(agent, file, { thread: lane + 1, config: { lane, leak } })
}
const ask = (what, timeoutMs = MINUTE_MS) =>
  Promise.all(agents.map((agent) => engine.request(`${agent}.${what}`, undefined, { timeoutMs })))

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)

const startedMs = performance.now()
const floods = ask('flood', (seconds + 120) * 1000)
const heaps = agents.map((agent) => ({ name: `heap of ${agent}`, samples: [] }))
const rss = { name: 'RSS', samples: [] }
/** V8 gives a heap more room, and takes it back, as it sees fit. What lies outside must be flat. */
const rest = { name: 'RSS without the heaps', samples: [] }
const main = { name: 'heap of main', samples: [] }
const everyMs = (seconds * 1000) / SAMPLES
let saidMs = startedMs
for (let n = 1; n <= SAMPLES; n++) {
  await sleep(Math.max(1, startedMs + n * everyMs - performance.now()))
  const looks = await ask('look')
  globalThis.gc()
  const at = (performance.now() - startedMs) / 1000
  for (const [index, { heapBytes }] of looks.entries()) {
    heaps[index].samples.push({ seconds: at, bytes: heapBytes })
  }
  main.samples.push({ seconds: at, bytes: process.memoryUsage().heapUsed })
  const rssBytes = process.memoryUsage.rss()
  rss.samples.push({ seconds: at, bytes: rssBytes })
  const physical = sum(looks.map(({ physicalBytes }) => physicalBytes))
  const ownBytes = getHeapStatistics().total_physical_size
  rest.samples.push({ seconds: at, bytes: rssBytes - physical - ownBytes })
  if (performance.now() - saidMs < 15_000) continue
  saidMs = performance.now()
  const received = looks.reduce((sum, look) => sum + look.received, 0)
  const megabytes = (rss.samples.at(-1).bytes / 2 ** 20).toFixed(1)
  const millions = (received / 1e6).toFixed(0)
  console.log(`load, ${name}: ${at.toFixed(0)} s, ${millions} M frames, RSS ${megabytes} MiB`)
}
await ask('stop')
const sent = await floods
const wanted = sum(sent)
let looks
do looks = await ask('look')
while (looks.some(({ received, wrong }) => wrong === null && received < wanted))
await engine.close()

let failed = 0
let passed = 0
function verdict(isGood, text) {
  if (isGood) passed++
  else failed++
  console.log(`${isGood ? 'ok    ' : 'FAILED'} ${text}`)
}

const received = sum(looks.map((look) => look.received))
const elapsed = rss.samples.at(-1).seconds
const rate = (received / elapsed / 1e6).toFixed(2)
for (const [index, look] of looks.entries()) {
  const text = `${agents[index]}: ${look.received} of ${wanted} whole, in order, once`
  verdict(look.wrong === null && look.received === wanted, `${text}; ${look.wrong ?? 'all right'}`)
}
verdict(received >= options.frames, `${received} frames, ${rate} M/s; wanted ${options.frames}`)
for (const { name: what, samples } of [...heaps, main, rss, rest]) {
  const growth = growthOf(samples)
  const limit = what.startsWith('RSS') ? RSS_GROWTH_BYTES_MAX : HEAP_GROWTH_BYTES_MAX
  const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`
  const last = kib(samples.at(-1).bytes)
  verdict(growth <= limit, `${what}: grew ${kib(growth)} of at most ${kib(limit)}, ends at ${last}`)
  console.log(`       ${sparkline(samples)}`)
}
if (options.plot) writeFileSync(options.plot, plot([rss, rest, ...heaps, main]))
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
