// The producing agent of the loan scenario: fills blocks of shared memory and publishes them.

import { defineAgent } from 'flyshuttle'
import { nowNs } from '../lib/clock.mjs'
import { firstIdOf } from '../lib/tally.mjs'
import { mark } from '../payloads/frame.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { MESSAGES, partOf, PRODUCE } from './messages.mjs'

/** Publishes its part of `count` messages from `first` on; replies when that is done. */
export default defineAgent({
  name: 'loan-producer',
  onStart: async (context) => {
    const { payload, part, producers } = context.config
    const { bytes } = createPayload(payload)
    const message = MESSAGES[payload]
    await context.handle(partOf(PRODUCE, part), async ({ first, count }) => {
      const endId = first + count
      const startNs = nowNs()
      for (let id = firstIdOf(first, part, producers); id < endId; id += producers) {
        const loan = context.loan(bytes)
        mark(loan.bytes, id)
        if (!context.publishLoan(message, loan)) await context.drained(message)
      }
      return { startNs }
    })
  },
})
