// The consuming agent of the loan scenario: reads each message where it lies.

import { defineAgent } from 'flyshuttle'
import { createTally } from '../lib/tally.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { COMPLETE, EXPECT, MESSAGES, partOf, REPORT } from './messages.mjs'

/** Takes every message into a tally; replies to COMPLETE when all have come. */
export default defineAgent({
  name: 'lease-consumer',
  onStart: async (context) => {
    const { payload, part, producers } = context.config
    const tally = createTally(createPayload(payload), { producers })
    const take = (lease) => {
      tally.take(lease.bytes)
      lease.release()
    }
    await context.subscribe(MESSAGES[payload], take, { lease: true })
    await context.handle(partOf(EXPECT, part), (job) => tally.expect(job))
    await context.handle(partOf(COMPLETE, part), () => tally.complete())
    await context.handle(partOf(REPORT, part), () => tally.report())
  },
})
