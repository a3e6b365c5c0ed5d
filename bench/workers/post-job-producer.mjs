// Adds jobs as a job queue on `postMessage` does: each travels with an id and stays in a map of
// pending jobs, to be sent again if its consumer dies, until the consumer has acknowledged that id.
// No more than a window of them is pending.

import { workerData } from 'node:worker_threads'
import { nowNs } from '../lib/clock.mjs'
import { serve } from '../lib/worker-call.mjs'
import { createPayload } from '../payloads/payloads.mjs'

/** As many as the other contender's queue has slots. */
const WINDOW_JOBS = 4096

const { payload, port } = workerData
const { valueAt } = createPayload(payload)
const pending = new Map()
let nextJobId = 1
let wake = null

port.on('message', ({ ack }) => {
  pending.delete(ack)
  if (wake === null || pending.size > WINDOW_JOBS / 2) return
  wake()
  wake = null
})

serve({
  async produce({ first, count }) {
    const startNs = nowNs()
    for (let id = first; id < first + count; id++) {
      if (pending.size >= WINDOW_JOBS) await new Promise((resolve) => (wake = resolve))
      const job = { jobId: nextJobId++, attempt: 1, data: valueAt(id) }
      pending.set(job.jobId, job)
      port.postMessage(job)
    }
    return { startNs }
  },
})
