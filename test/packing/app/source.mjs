// Squares what it is asked to, and publishes as many numbers as it is told to.
import { defineAgent, on } from 'flyshuttle'
import { Square, Tick } from './messages.mjs'

export default defineAgent({
  name: 'source',
  handle: [
    on(Square, ({ x }) => ({ y: x * x })),
    on('source.start', async (count, _info, context) => {
      for (let n = 0; n < count; n++) await context.send(Tick, { n })
      return count
    }),
  ],
})
