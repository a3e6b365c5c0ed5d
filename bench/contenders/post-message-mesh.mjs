// Plain Node as a mesh: one worker per node, a MessageChannel for each who sends to each.

import { MessageChannel } from 'node:worker_threads'
import { measureMesh, sourcesOf, targetsOf } from '../lib/mesh.mjs'
import { startWorker } from '../lib/worker-call.mjs'

/**
 * @param {{ shape: string, nodes: number }} mesh
 * @param {import('../lib/measure.mjs').Options} options
 */
export async function mesh(mesh, options) {
  const places = Array.from({ length: mesh.nodes }, (_, node) => ({ ...mesh, node }))
  /** 'source>target' → channel */
  const channels = new Map(
    places.flatMap((place) =>
      targetsOf(place).map((target) => [`${place.node}>${target}`, new MessageChannel()]),
    ),
  )
  const workers = places.map((place) => {
    const { node } = place
    const outgoing = targetsOf(place).map((target) => channels.get(`${node}>${target}`).port1)
    const incoming = sourcesOf(place).map((source) => channels.get(`${source}>${node}`).port2)
    const data = { place, outgoing, incoming }
    return startWorker('post-mesh-node.mjs', data, [...outgoing, ...incoming])
  })
  try {
    return await measureMesh(mesh, (node, name, job) => workers[node].call(name, job), options)
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()))
  }
}
