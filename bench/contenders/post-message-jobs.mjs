// A job queue on plain `postMessage`: one worker adds jobs, one handles them, and each job is
// acknowledged by a message of its own. The main thread only conducts.

import { measureFlow } from '../lib/flow.mjs'
import { withWorkers } from './post-message.mjs'

/**
 * @param {{ payload: string }} what
 * @param {import('../lib/measure.mjs').Options} options
 */
export function jobs({ payload }, options) {
  const files = ['post-job-consumer.mjs', 'post-job-producer.mjs']
  return withWorkers(files, { payload }, ([consumer, producer]) =>
    measureFlow(
      payload,
      {
        produce: [(job) => producer.call('produce', job)],
        expect: [(job) => consumer.call('expect', job)],
        complete: [() => consumer.call('complete')],
        report: [() => consumer.call('report')],
      },
      options,
    ),
  )
}
