// How many jobs of 40 bytes go through a work queue in a second, each of them acknowledged?
//
//     producer ─────── job, job, job, … ───────▶ consumer
//     on thread 1 ◀──── acknowledgements ────── on thread 2
//
// Counted from the first job to the last call of the handler, which sums every field. `postMessage`
// does what job queues on it do: an id and a map of pending jobs at the producer, an acknowledging
// message for each job, and as many jobs under way as the other has slots.

const flyshuttle = (addon) => async (options) => {
  const { flow } = await import('../contenders/flyshuttle.mjs')
  const what = { payload: 'trade', producer: 'job-producer', consumer: 'job-consumer' }
  return flow({ ...what, addon }, options)
}

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'queue-jobs',
  title: 'acknowledged jobs, one to one',
  question: 'jobs of 40 bytes through a work queue, each acknowledged',
  unit: 'messages/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: {
    flyshuttle: flyshuttle(true),
    'flyshuttle-js': flyshuttle(false),
    postMessage: async (options) => {
      const { jobs } = await import('../contenders/post-message-jobs.mjs')
      return jobs({ payload: 'trade' }, options)
    },
  },
}
