// Squares what it is asked to.
import { defineAgent, on } from 'flyshuttle'
import { Square } from './messages.mjs'

export default defineAgent({
  name: 'square',
  handle: [on(Square, ({ x }) => ({ y: x * x }))],
})
