// The consuming agent: one of `config.consumers`, told which payload to expect.

import { defineAgent } from 'flyshuttle'
import { createTally, takeWanted } from '../lib/tally.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { COMPLETE, EXPECT, MESSAGES, partOf, REPORT } from './messages.mjs'

/** Takes every message into a tally; replies to COMPLETE when all have come. */
export default defineAgent({
  name: 'consumer',
  onStart: async (context) => {
    const { payload, part, producers } = context.config
    const made = createPayload(payload)
    const tally = createTally(made, { producers })
    const take = takeWanted(tally, made)
    await context.subscribe(MESSAGES[payload], (value) => take(value))
    await context.handle(partOf(EXPECT, part), (job) => tally.expect(job))
    await context.handle(partOf(COMPLETE, part), () => tally.complete())
    await context.handle(partOf(REPORT, part), () => tally.report())
  },
})
