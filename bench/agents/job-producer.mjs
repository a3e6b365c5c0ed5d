// Adds trades to a work queue, as jobs.

import { defineAgent } from 'flyshuttle'
import { nowNs } from '../lib/clock.mjs'
import { firstIdOf } from '../lib/tally.mjs'
import { createPayload } from '../payloads/payloads.mjs'
import { MESSAGES, partOf, PRODUCE } from './messages.mjs'

/** Adds its part of `count` jobs from `first` on; replies when that is done. */
export default defineAgent({
  name: 'job-producer',
  onStart: async (context) => {
    const { payload, part, producers } = context.config
    const { valueAt } = createPayload(payload)
    const jobs = await context.queue(MESSAGES[payload])
    await context.handle(partOf(PRODUCE, part), async ({ first, count }) => {
      const endId = first + count
      const startNs = nowNs()
      for (let id = firstIdOf(first, part, producers); id < endId; id += producers) {
        const job = valueAt(id)
        if (jobs.tryAdd(job) === 'full') await jobs.add(job)
      }
      jobs.flush()
      return { startNs }
    })
  },
})
