// One node of a mesh: sends to its targets, receives what is sent to it.

import { defineAgent } from 'flyshuttle'
import { createNode } from '../lib/mesh.mjs'
import { COMPLETE, EXPECT, partOf, PRODUCE, REPORT, tradeTo } from './messages.mjs'

export default defineAgent({
  name: 'mesh-node',
  onStart: async (context) => {
    const { node, nodes } = context.config
    const messages = Array.from({ length: nodes }, (_, target) => tradeTo(target))
    const self = createNode(context.config, (target, value) => {
      const message = messages[target]
      if (!context.publish(message, value)) return context.drained(message)
    })
    await context.subscribe(messages[node], self.take)
    await context.handle(partOf(EXPECT, node), self.expect)
    await context.handle(partOf(PRODUCE, node), self.produce)
    await context.handle(partOf(COMPLETE, node), self.complete)
    await context.handle(partOf(REPORT, node), self.report)
  },
})
