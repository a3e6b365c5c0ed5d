// One publisher, five kinds of listeners: patterns with captured tokens, an end after so many, a
// batch, a queue group that a broadcast reaches whole, and a tap.
// `node examples/publish-subscribe/main.mjs`

import { createEngine, f64, message, u32 } from 'flyshuttle'

const AIRPORTS = ['BOS', 'ORD', 'SFO']
const FLIGHTS = 3000
const Landed = Object.fromEntries(
  AIRPORTS.map((airport) => [
    airport,
    message(`flights.${airport}.landed`, { number: u32, delayMin: f64 }),
  ]),
)

const engine = await createEngine({ threads: 0 })
const landed = Object.fromEntries(AIRPORTS.map((airport) => [airport, 0]))
const first = []
const batches = []
const told = []
const seen = []

// `*` stands for one token; info.tokens says for which.
await engine.subscribe('flights.*.landed', (_flight, info) => landed[info.tokens[0]]++)
// After two messages it ends by itself.
await engine.subscribe('flights.ORD.>', ({ number }) => first.push(number), { max: 2 })
// What one look into the rings brought comes as one array.
await engine.subscribe('flights.>', { onBatch: (flights) => batches.push(flights.length) })
for (const desk of ['a', 'b', 'c']) {
  await engine.subscribe('gates.closed', () => told.push(desk), { queue: 'desks' })
}
// Every hundredth message of any subject, without being a receiver.
await engine.tap('>', (_value, { subject }) => seen.push(subject), { sample: 0.01 })

for (let number = 0; number < FLIGHTS; number++) {
  const message = Landed[AIRPORTS[number % AIRPORTS.length]]
  const flight = { number, delayMin: number % 90 }
  if (!engine.publish(message, flight)) await engine.drained(message)
}
engine.publish('gates.closed', { gate: 7 }) // for one of the desks
engine.broadcast('gates.closed', { gate: 8 }) // for all of them
await engine.close()

const inBatches = batches.reduce((sum, size) => sum + size)
console.log(`landed           ${AIRPORTS.map((name) => `${name} ${landed[name]}`).join(', ')}`)
console.log(`first at ORD     ${first.join(', ')}`)
console.log(`in batches       ${inBatches}, several at a time: ${batches.length < inBatches}`)
console.log(`desks            one of them, then all: ${told.length}`)
console.log(`seen by the tap  ${seen.length}`)
