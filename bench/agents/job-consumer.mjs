// Consumes trades from a work queue. A handler that returns has acknowledged its job.

import { defineAgent } from 'flyshuttle'
import { createTally } from '../lib/tally.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { COMPLETE, EXPECT, MESSAGES, partOf, REPORT } from './messages.mjs'

export default defineAgent({
  name: 'job-consumer',
  onStart: async (context) => {
    const { payload, part, producers } = context.config
    const tally = createTally(createPayload(payload), { producers })
    const jobs = await context.queue(MESSAGES[payload])
    jobs.consume((job) => tally.take(job))
    await context.handle(partOf(EXPECT, part), (job) => tally.expect(job))
    await context.handle(partOf(COMPLETE, part), () => tally.complete())
    await context.handle(partOf(REPORT, part), () => tally.report())
  },
})
