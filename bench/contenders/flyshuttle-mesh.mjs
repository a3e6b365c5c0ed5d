// Flyshuttle as a mesh: one agent on each thread, a subject for each node.

import { COMPLETE, EXPECT, partOf, PRODUCE, REPORT } from '../agents/messages.mjs'
import { measureMesh } from '../lib/mesh.mjs'
import { withAgents } from './flyshuttle.mjs'

const SUBJECTS = { expect: EXPECT, produce: PRODUCE, complete: COMPLETE, report: REPORT }

/**
 * @param {{ addon: boolean, shape: string, nodes: number }} what
 * @param {import('../lib/measure.mjs').Options} options
 */
export function mesh({ addon, ...mesh }, options) {
  const agents = Array.from({ length: mesh.nodes }, (_, node) => ({
    file: 'mesh-node',
    config: { ...mesh, node },
  }))
  return withAgents(addon, agents, (call) => {
    const callNode = (node, name, job) => call(partOf(SUBJECTS[name], node), job)
    return measureMesh(mesh, callNode, options)
  })
}
