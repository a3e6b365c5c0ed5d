// Three threads that use every pattern at once: subjects, filters, queue groups, work queues,
// requests, streams, loans and large messages. Everything sent must arrive, memory must stay flat,
// and at the end no slot, no block and no request is left in use. Run by `soak.mjs`:
//
//   node --expose-gc mixed.mjs '{ "addon": true, "seconds": 600 }'

import { createEngine } from 'flyshuttle'
import { setTimeout as sleep } from 'node:timers/promises'
import { Job } from './agents/mixed-messages.mjs'
import { MemoryWatch } from './memory.mjs'

const THREADS = 3
const SAMPLES_MAX = 100
const MINUTE_MS = 60_000

const { addon, seconds } = JSON.parse(process.argv[2])
const samples = Math.min(SAMPLES_MAX, Math.ceil(seconds))
const variant = addon ? 'addon' : 'portable'
const engine = await createEngine({ threads: THREADS, addon })
const agents = Array.from({ length: THREADS }, (_, lane) => `mixed${lane}`)
for (const [lane, agent] of agents.entries()) {
  const config = { lane, next: (lane + 1) % THREADS }
  const file = new URL('./agents/mixed.mjs', import.meta.url)
  await engine.spawn(agent, file, { thread: lane + 1, config })
}
const ask = (what, timeoutMs = MINUTE_MS) =>
  Promise.all(agents.map((agent) => engine.request(`${agent}.${what}`, undefined, { timeoutMs })))

/** How many of each kind must have come, of those that were sent to so many. */
const receivers = { ticks: THREADS, lateTicks: THREADS, frames: THREADS, large: THREADS }
function wantedOf(sent) {
  return Object.fromEntries(
    Object.entries(sent).map(([kind, count]) => [kind, count * (receivers[kind] ?? 1)]),
  )
}

/** What the threads look like when all that was sent by now has come, or never will. */
async function lookWhenQuiet() {
  const deadline = performance.now() + MINUTE_MS
  for (;;) {
    const looks = await ask('look')
    const got = totals(looks.map((look) => look.got))
    const wanted = wantedOf(totals(looks.map((look) => look.sent)))
    const isQuiet = Object.keys(wanted).every((kind) => got[kind] >= wanted[kind])
    if (isQuiet || performance.now() > deadline) return { looks, got, wanted }
  }
}

const watch = new MemoryWatch(agents)
const floods = ask('flood', (seconds + 120) * 1000)
let saidSeconds = 0
for (let n = 1; n <= samples; n++) {
  await sleep(Math.max(1, ((n * seconds) / samples - watch.seconds) * 1000))
  // What is under way comes to megabytes, more or less by chance: memory is judged without it.
  await ask('pause')
  const { looks } = await lookWhenQuiet()
  watch.sample(looks)
  await ask('resume')
  if (watch.seconds - saidSeconds < 15) continue
  saidSeconds = watch.seconds
  const rounds = looks.reduce((sum, look) => sum + look.rounds, 0)
  const rss = `RSS ${watch.rssMegabytes} MiB`
  console.log(`mixed, ${variant}: ${saidSeconds.toFixed(0)} s, ${rounds} rounds, ${rss}`)
}
await ask('stop')
await floods
const { looks, got, wanted } = await lookWhenQuiet()

let failed = 0
let passed = 0
function verdict(isGood, text) {
  if (isGood) passed++
  else failed++
  console.log(`${isGood ? 'ok    ' : 'FAILED'} ${text}`)
}

for (const [kind, count] of Object.entries(wanted)) {
  verdict(count > 0 && got[kind] === count, `${kind}: ${got[kind]} of ${count}`)
}
for (const [index, { wrong }] of looks.entries()) {
  verdict(wrong === null, `${agents[index]}: ${wrong ?? 'everything whole and in order'}`)
}
const { ready, waiting, inHand } = (await engine.queue(Job)).inspect()
verdict(ready + waiting + inHand === 0, `work queue: ${ready + waiting + inHand} jobs left`)
const { holders } = engine.chunks()
verdict(holders.length === 0, `blocks: ${holders.length} in use`)
const letters = await engine.deadLetters.info()
verdict(letters.size === 0, `dead letters: ${letters.size}`)
// In a short run what grows is what is made once.
if (seconds >= 60) watch.judge(verdict)
await engine.close()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function totals(parts) {
  const sums = {}
  for (const part of parts) {
    for (const [kind, count] of Object.entries(part)) sums[kind] = (sums[kind] ?? 0) + count
  }
  return sums
}
