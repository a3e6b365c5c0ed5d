// One node of a mesh over MessagePorts: `outgoing` leads to its targets, `incoming` comes from its
// sources. Each port has its own window.

import { workerData } from 'node:worker_threads'
import { createNode, sourcesOf, targetsOf } from '../lib/mesh.mjs'
import { serve } from '../lib/worker-call.mjs'
import { createAcknowledger, createCredit } from './credit.mjs'

const TRADE_BYTES = 40

const { place, outgoing, incoming } = workerData
/** Target → how to send to it. */
const links = new Map(
  targetsOf(place).map((target, index) => {
    const port = outgoing[index]
    return [target, { port, credit: createCredit(port, TRADE_BYTES) }]
  }),
)

const node = createNode(place, (target, value) => {
  const { port, credit } = links.get(target)
  if (!credit.take(1)) return postWithRoom(port, credit, value)
  port.postMessage(value)
})

async function postWithRoom(port, credit, value) {
  while (!credit.take(1)) await credit.room()
  port.postMessage(value)
}

for (let index = 0; index < sourcesOf(place).length; index++) {
  const acknowledge = createAcknowledger(incoming[index], TRADE_BYTES)
  incoming[index].on('message', (value) => {
    node.take(value)
    acknowledge(1)
  })
}

serve(node)
