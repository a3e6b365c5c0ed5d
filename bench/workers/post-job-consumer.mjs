// Handles what `post-job-producer.mjs` sends, and acknowledges each job by its id.

import { workerData } from 'node:worker_threads'
import { createTally } from '../lib/tally.mjs'
import { serve } from '../lib/worker-call.mjs'
import { createPayload } from '../payloads/payloads.mjs'

const { payload, port } = workerData
const tally = createTally(createPayload(payload))

port.on('message', ({ jobId, data }) => {
  tally.take(data)
  port.postMessage({ ack: jobId })
})

serve({
  expect: (job) => tally.expect(job),
  complete: () => tally.complete(),
  report: () => tally.report(),
})
