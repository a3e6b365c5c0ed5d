// A reply in many parts: read to its end, in batches, and left in the middle.

import { createEngine, f64, rpc, u32 } from 'flyshuttle'

const Rows = rpc('rows.read', { request: { count: u32 }, reply: { id: u32, price: f64 } })

const engine = await createEngine({ threads: 0 })
const seen = []
await engine.handle(Rows, async function* ({ count }) {
  try {
    for (let id = 0; id < count; id++) yield { id, price: id / 4 }
  } finally {
    seen.push('ended')
  }
})

let sum = 0
for await (const { price } of engine.requestStream(Rows, { count: 10_000 })) sum += price
console.log('one by one   ', sum)

let rows = 0
let batches = 0
for await (const batch of engine.requestStream(Rows, { count: 10_000 }).batches()) {
  rows += batch.length
  batches++
}
console.log('in batches   ', rows, 'rows, fewer batches than rows:', batches < rows)

for await (const { id } of engine.requestStream(Rows, { count: 1_000_000_000 })) {
  if (id === 41) break
}
while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve))
console.log('left early   ', 'generators ended:', seen.length)

await engine.close()
