// Sends over a MessagePort: each message by itself, or arrays of `batch` of them.

import { workerData } from 'node:worker_threads'
import { nowNs } from '../lib/clock.mjs'
import { serve } from '../lib/worker-call.mjs'
import { createCredit } from './credit.mjs'
import { PAYLOADS } from './payloads.mjs'

const { port, payload, batch } = workerData
const { valueAt } = PAYLOADS[payload]
const credit = createCredit(port)

async function produceSingly({ first, count }) {
  const endId = first + count
  const startNs = nowNs()
  for (let id = first; id < endId; id++) {
    while (!credit.take(1)) await credit.room()
    port.postMessage(valueAt(id))
  }
  return { startNs }
}

async function produceBatches({ first, count }) {
  const endId = first + count
  const startNs = nowNs()
  for (let id = first; id < endId; ) {
    const length = Math.min(batch, endId - id)
    while (!credit.take(length)) await credit.room()
    const values = new Array(length)
    for (let index = 0; index < length; index++) values[index] = valueAt(id++)
    port.postMessage(values)
  }
  return { startNs }
}

serve({ produce: batch === 1 ? produceSingly : produceBatches })
