// Work queues in the fail-point tests: every thread adds jobs to two of them and handles jobs, in
// every way there is. What was accepted and what was handled is noted in words that outlive it.

import { words } from './pass.mjs'

/** Few slots, so that adding waits; few jobs in hand, so that shares are asked for. */
const RULES = { maxDeliver: 200, backoffMs: [0], capacity: 8, maxAckPending: 64 }
export const QUEUES = [
  { name: 'plain', options: RULES },
  { name: 'keyed', options: { ...RULES, ordered: 'key' } },
]
/** In each burst, to each queue: more than there are slots. */
const JOBS = 12
const JOBS_MAX = 8000
/** No slot holds it: it travels in a block. Of such there are two in each burst. */
const LARGE = 'x'.repeat(1000)
const NEXT = 40_000
const ACCEPTED = NEXT + 1
const HANDLED = ACCEPTED + JOBS_MAX

/** A burst of jobs to all queues; resolves when all are accepted. */
export async function addJobs(queues) {
  const adding = []
  for (const queue of queues) {
    for (let n = 0; n < JOBS; n++) adding.push(addJob(queue, Atomics.add(words, NEXT, 1)))
  }
  await Promise.all(adding)
}

async function addJob(queue, n) {
  if (n >= JOBS_MAX) throw new Error('no words for so many jobs')
  const id = n % 4 === 1 ? { id: `${n}` } : {}
  const delay = n % 6 === 2 ? { delayMs: 1 } : {}
  const job = n % 12 === 7 ? { n, text: LARGE } : n
  await queue.add(job, { key: n % 3, ...id, ...delay })
  Atomics.store(words, ACCEPTED + n, 1)
}

export function handleJob(job, delivery) {
  if (typeof job === 'object' && job.text !== LARGE) throw new Error('a torn job')
  const n = typeof job === 'object' ? job.n : job
  if (n % 5 === 1 && delivery.attempt === 1) throw new Error('on purpose')
  if (n % 5 === 2 && delivery.attempt === 1) return delivery.nak({ delayMs: 0 })
  Atomics.store(words, HANDLED + n, 1)
  if (n % 11 === 3) delivery.term()
  return n % 2 === 0 ? undefined : Promise.resolve()
}

export function forgetJobs() {
  words.fill(0, NEXT)
}

/** Whether every job that was accepted has been handled. */
export function isAllHandled() {
  for (let n = 0; n < Math.min(words[NEXT], JOBS_MAX); n++) {
    if (words[ACCEPTED + n] === 1 && words[HANDLED + n] === 0) return false
  }
  return true
}

/** Whether nothing is left in a queue: no job, and no slot that a dead thread holds. */
export function isEmpty(queue) {
  const { ready, waiting, inHand, dying } = queue.inspect()
  return ready + waiting + inHand + dying === 0
}
