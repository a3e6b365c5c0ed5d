// Sends to every consumer, over a wire of `wires.mjs`: each message by itself, or arrays of them.
// Nobody may be further behind than the window, so the slowest consumer sets the pace.

import { workerData } from 'node:worker_threads'
import { nowNs } from '../lib/clock.mjs'
import { firstIdOf } from '../lib/tally.mjs'
import { serve } from '../lib/worker-call.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { createCredit } from './credit.mjs'
import { WIRES } from './wires.mjs'

const { wire, payload, part, producers, ports } = workerData
const { batch, own, open } = WIRES[wire]
const made = createPayload(payload)
const valueAt = own ? made.ownValueAt : made.valueAt
const credits = ports.map((port) => createCredit(port, made.bytes))
const post = open(ports, part)

async function produceSingly({ first, count }) {
  const endId = first + count
  const startNs = nowNs()
  for (let id = firstIdOf(first, part, producers); id < endId; id += producers) {
    for (let index = 0; index < credits.length; index++) {
      while (!credits[index].take(1)) await credits[index].room()
    }
    post(valueAt(id, post.spare?.()))
  }
  return { startNs }
}

async function produceBatches({ first, count }) {
  const endId = first + count
  const startNs = nowNs()
  for (let id = firstIdOf(first, part, producers); id < endId;) {
    const length = Math.min(batch, Math.ceil((endId - id) / producers))
    for (const credit of credits) while (!credit.take(length)) await credit.room()
    const values = new Array(length)
    for (let index = 0; index < length; index++) {
      values[index] = valueAt(id)
      id += producers
    }
    post(values)
  }
  return { startNs }
}

serve({ produce: batch === 1 ? produceSingly : produceBatches })
