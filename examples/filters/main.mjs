// Boards that show only some of the flights: by a field, by several rules, by a header. What nobody
// wants is never written. `node examples/filters/main.mjs`

import { FlyshuttleError, ascii, createEngine, i16, message, u32 } from 'flyshuttle'

const Flight = message('flights.landed', {
  number: u32,
  delayMin: i16,
  origin: ascii(3),
})
const ORIGINS = ['BOS', 'ORD', 'SFO', 'JFK']
const FLIGHTS = 10_000

const boards = {
  'an hour late': { delayMin: { gte: 60 } },
  'early, from the coast': { delayMin: { lt: 0 }, origin: { in: ['SFO', 'BOS'] } },
  'from O… or J…, on time': {
    delayMin: { gte: 0, lte: 5 },
    or: [{ origin: { prefix: 'O' } }, { origin: { prefix: 'J' } }],
  },
  'marked as test': { headers: { kind: 'test' } },
}

const engine = await createEngine({ threads: 0 })
const shown = {}
for (const [name, filter] of Object.entries(boards)) {
  shown[name] = 0
  await engine.subscribe(Flight, () => shown[name]++, { filter })
}
for (let number = 0; number < FLIGHTS; number++) {
  const flight = { number, delayMin: (number % 100) - 20, origin: ORIGINS[number % 4] }
  const isTest = number % 1000 === 0
  const options = isTest ? { headers: { kind: 'test' } } : undefined
  if (!engine.publish(Flight, flight, options)) await engine.drained(Flight)
}
try {
  await engine.subscribe(Flight, () => {}, { filter: { delay: { gte: 60 } } })
} catch (error) {
  if (!(error instanceof FlyshuttleError)) throw error
  console.log(`refused: ${error.code}, ${error.data.path} is ${error.data.found}`)
}
const written = engine.stats().links.reduce((sum, { frames }) => sum + frames, 0)
await engine.close()
for (const [name, count] of Object.entries(shown)) {
  console.log(`${name.padEnd(24)}${String(count).padStart(5)} of ${FLIGHTS}`)
}
console.log(`fewer frames than flights: ${written < FLIGHTS}`)
