// Three threads that all send to all at full speed, every message checked, while the heap of each
// and the memory of the process are watched. Run by `soak.mjs`:
//
//   node --expose-gc load.mjs '{ "addon": true, "seconds": 600, "frames": 2e8, "leak": false }'

import { createEngine } from 'flyshuttle'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { plot } from './flatness.mjs'
import { MemoryWatch } from './memory.mjs'

const THREADS = 3
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

const watch = new MemoryWatch(agents)
const floods = ask('flood', (seconds + 120) * 1000)
let saidSeconds = 0
for (let n = 1; n <= SAMPLES; n++) {
  await sleep(Math.max(1, ((n * seconds) / SAMPLES - watch.seconds) * 1000))
  const looks = await ask('look')
  watch.sample(looks)
  if (watch.seconds - saidSeconds < 15) continue
  saidSeconds = watch.seconds
  const millions = (sum(looks.map((look) => look.received)) / 1e6).toFixed(0)
  const at = saidSeconds.toFixed(0)
  console.log(`load, ${name}: ${at} s, ${millions} M frames, RSS ${watch.rssMegabytes} MiB`)
}
const elapsed = watch.seconds
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
const rate = (received / elapsed / 1e6).toFixed(2)
for (const [index, look] of looks.entries()) {
  const text = `${agents[index]}: ${look.received} of ${wanted} whole, in order, once`
  verdict(look.wrong === null && look.received === wanted, `${text}; ${look.wrong ?? 'all right'}`)
}
verdict(received >= options.frames, `${received} frames, ${rate} M/s; wanted ${options.frames}`)
watch.judge(verdict)
if (options.plot) writeFileSync(options.plot, plot(watch.series))
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
