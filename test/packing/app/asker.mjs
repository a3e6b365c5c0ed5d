// Hands on what it is asked to the other agent.
import { defineAgent, on } from 'flyshuttle'
import { Ask, Square } from './messages.mjs'

export default defineAgent({
  name: 'asker',
  handle: [on(Ask, ({ x }, _info, context) => context.request(Square, { x }))],
})
