// Receives over a MessagePort what `post-producer.mjs` sends.

import { workerData } from 'node:worker_threads'
import { createTally } from '../lib/tally.mjs'
import { serve } from '../lib/worker-call.mjs'
import { createAcknowledger } from './credit.mjs'
import { PAYLOADS } from './payloads.mjs'

const { port, payload, batch } = workerData
const tally = createTally(PAYLOADS[payload].fold)
const acknowledge = createAcknowledger(port)

if (batch === 1) {
  port.on('message', (value) => {
    tally.take(value)
    acknowledge(1)
  })
} else {
  port.on('message', (values) => {
    for (let index = 0; index < values.length; index++) tally.take(values[index])
    acknowledge(values.length)
  })
}

serve({
  expect: (job) => tally.expect(job),
  complete: () => tally.complete(),
  report: () => tally.report(),
})
