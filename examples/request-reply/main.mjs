// One question, and the ways of asking it: one responder, all of them, and a quorum.

import { createEngine, rpc, u32 } from 'flyshuttle'

const Quote = rpc('quote.get', { request: { isin: u32 }, reply: { cents: u32 } })

const engine = await createEngine({ threads: 0 })
for (const spread of [1, 2, 3]) {
  await engine.handle(Quote, ({ isin }) => ({ cents: isin * 100 + spread }))
}
await engine.handle(Quote, () => {
  throw new Error('the exchange is closed')
})

const { cents } = await engine.request(Quote, { isin: 7 })
console.log('one responder ', cents)

const quotes = engine.requestMany(Quote, { isin: 7 }, { timeoutMs: 1000 })
const all = []
for await (const quote of quotes) all.push(quote.cents)
console.log('all of them   ', all.sort().join(', '), 'and', quotes.errors.length, 'that failed')

const best = []
for await (const quote of engine.requestMany(Quote, { isin: 7 }, { max: 2 })) best.push(quote.cents)
console.log('the first two ', best.length)

const quorum = engine.requestMany(Quote, { isin: 7 }, { quorum: 4 })
try {
  for await (const quote of quorum) void quote
} catch (error) {
  console.log('a quorum of 4 ', error.code)
}

let told = false
const controller = new AbortController()
await engine.handle('report.make', async (_, { signal }) => {
  controller.abort()
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  told = true
})
const report = engine.request('report.make', null, { signal: controller.signal })
await report.catch((error) => console.log('changed mind  ', error.code))
while (!told) await new Promise((resolve) => setImmediate(resolve))
console.log('handler told  ', told)

await engine.close()
