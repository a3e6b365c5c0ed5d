// A worker that is behind: in which order it takes what waits, and what it never sees.
// `node examples/priorities/main.mjs`

import { createEngine } from 'flyshuttle'

const engine = await createEngine({ threads: 0 })
const taken = []
let begin
const busy = new Promise((resolve) => (begin = resolve))
const worker = await engine.subscribe('jobs', async (job, { priority }) => {
  await busy
  taken.push(`${priority} ${job}`)
})

engine.publish('jobs', 'the one in hand')
for (let n = 1; n <= 2; n++) {
  engine.publish('jobs', `report ${n}`, { priority: 'batch' })
  engine.publish('jobs', `order ${n}`)
  engine.publish('jobs', `alarm ${n}`, { priority: 'critical' })
  engine.publish('jobs', `price ${n}`, { priority: 'high', ttlMs: 20 })
}
await new Promise((resolve) => setTimeout(resolve, 50))
engine.publish('jobs', 'price 3', { priority: 'high', ttlMs: 20_000 })
begin()
// Waits for all that is in line.
await worker.unsubscribe()
for (const job of taken) console.log(job)
console.log(`expired: ${engine.stats().threads[0].dropped.expired}`)

// Nobody waits for ever, not even under a flood of what is more urgent.
let flood = 0
const order = []
let go
const held = new Promise((resolve) => (go = resolve))
const slow = await engine.subscribe('flood', async (name) => {
  await held
  order.push(name)
})
engine.publish('flood', 'first')
engine.publish('flood', 'patient', { priority: 'batch' })
for (; flood < 100; flood++) engine.publish('flood', 'urgent', { priority: 'critical' })
go()
await slow.unsubscribe()
console.log(`one of batch went after ${order.indexOf('patient') - 1} of ${flood} critical ones`)
await engine.close()
