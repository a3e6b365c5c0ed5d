// Receives what `post-producer.mjs` sends, over a wire of `wires.mjs`.

import { workerData } from 'node:worker_threads'
import { createTally, takeWanted } from '../lib/tally.mjs'
import { serve } from '../lib/worker-call.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { createAcknowledger } from './credit.mjs'
import { WIRES } from './wires.mjs'

const { wire, payload, producers, ports } = workerData
const { batch, listen } = WIRES[wire]
const made = createPayload(payload)
const tally = createTally(made, { producers })
const take = takeWanted(tally, made)
const acknowledge = ports.map((port) => createAcknowledger(port, made.bytes))

if (batch === 1) {
  listen(ports, (value, producer) => {
    take(value)
    acknowledge[producer](1)
  })
} else {
  listen(ports, (values, producer) => {
    for (let index = 0; index < values.length; index++) take(values[index])
    acknowledge[producer](values.length)
  })
}

serve({
  expect: (job) => tally.expect(job),
  complete: () => tally.complete(),
  report: () => tally.report(),
})
