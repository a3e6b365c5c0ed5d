// The producing agent: one of `config.producers`, told which payload to send.

import { defineAgent } from 'flyshuttle'
import { nowNs } from '../lib/clock.mjs'
import { firstIdOf } from '../lib/tally.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { MESSAGES, partOf, PRODUCE } from './messages.mjs'

/** Publishes its part of `count` messages from `first` on; replies when that is done. */
export default defineAgent({
  name: 'producer',
  onStart: async (context) => {
    const { payload, part, producers } = context.config
    const { valueAt } = createPayload(payload)
    const message = MESSAGES[payload]
    await context.handle(partOf(PRODUCE, part), async ({ first, count }) => {
      const endId = first + count
      const startNs = nowNs()
      for (let id = firstIdOf(first, part, producers); id < endId; id += producers) {
        if (!context.publish(message, valueAt(id))) await context.drained(message)
      }
      return { startNs }
    })
  },
})
