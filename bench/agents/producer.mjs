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
    // A function without `await`: the loop that V8 makes of it is faster. @returns the next id
    const sendUntilFull = (from, endId) => {
      let id = from
      while (id < endId) {
        const isBelowMark = context.publish(message, valueAt(id))
        id += producers
        if (!isBelowMark) break
      }
      return id
    }
    await context.handle(partOf(PRODUCE, part), async ({ first, count }) => {
      const endId = first + count
      const startNs = nowNs()
      let id = firstIdOf(first, part, producers)
      while ((id = sendUntilFull(id, endId)) < endId) await context.drained(message)
      return { startNs }
    })
  },
})
