// Adds jobs to two queues and handles them, until it is ended. What it has added and handled is
// noted in words that outlive it.

import { defineAgent, on } from 'flyshuttle'
import { QUEUES, addOne, handle } from '../queue-words.mjs'

const WAYS_TO_DIE = {
  exit: () => process.exit(1),
  throw: () =>
    setImmediate(() => {
      throw new Error('uncaught, on purpose')
    }),
}

export default defineAgent({
  name: 'queue-victim',
  async onStart(context) {
    const queues = await Promise.all(QUEUES.map(({ name }) => context.queue(name)))
    queues.forEach((queue, q) => {
      queue.consume((job, delivery) => handle(q, job, delivery), { concurrency: 4 })
    })
    const add = async (q) => {
      for (let n = 1; await addOne(q, queues[q], context.thread); n++) {
        // Bursts, not a flood: there are words for so many jobs.
        if (n % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const adding = Promise.all(queues.map((_, q) => add(q)))
    // Once it is time to stop: what is under way may be accepted yet.
    await context.handle(`queue-victim.rest.${context.thread}`, async () => void (await adding))
  },
  handle: [on('queue-victim.die', (way) => new Promise(() => WAYS_TO_DIE[way]()))],
})
