// What threads that add and handle jobs note about them, in memory that survives their deaths, and
// what must hold of it: `wrong` names the first rule that was broken.

import { getEnvironmentData } from 'node:worker_threads'

/** `keyed` keeps the order of each key. */
export const QUEUES = [
  { name: 'plain', options: { maxDeliver: 200, backoffMs: [0], capacity: 64 } },
  { name: 'keyed', options: { maxDeliver: 200, backoffMs: [0], capacity: 64, ordered: 'key' } },
]
export const JOBS_MAX = 300_000
const KEYS = 5
/** Every so many-th job is large: no slot holds it, and it travels in a block. */
const LARGE_EVERY = 6
const LARGE_BYTES = 4000
const THREADS = 3

export const Word = { Stop: 0, Next: 1, Wrong: 2, First: 16 }
export const Wrong = { None: 0, Attempt: 1, Order: 2, Unknown: 3, Torn: 4 }
export const WORDS = Word.First + JOBS_MAX * 3 + KEYS * THREADS
const ACCEPTED = Word.First
const HANDLED = ACCEPTED + JOBS_MAX
const ATTEMPT = HANDLED + JOBS_MAX
const LATEST = ATTEMPT + JOBS_MAX

export const words = getEnvironmentData('queue-words') ?? new Int32Array(WORDS)
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Adds one job; false when it is time to stop. */
export async function addOne(q, queue, thread) {
  if (Atomics.load(words, Word.Stop) === 1) return false
  const n = Atomics.add(words, Word.Next, 1)
  if (n >= JOBS_MAX) return false
  await queue.add({ n, thread, pad: padOf(n) }, { key: n % KEYS })
  Atomics.store(words, ACCEPTED + n, 1)
  return true
}

/** Handles a job in one of several ways, which its number and attempt decide. */
export async function handle(q, { n, thread, pad }, delivery) {
  const { attempt, key } = delivery
  if (Number(key) !== n % KEYS || n >= Atomics.load(words, Word.Next)) note(Wrong.Unknown)
  if (pad !== padOf(n)) note(Wrong.Torn)
  if (Atomics.exchange(words, ATTEMPT + n, attempt) >= attempt) note(Wrong.Attempt)
  if (QUEUES[q].options.ordered === 'key') {
    // Numbers of one thread and key count up, and none begins once a later one has.
    const index = LATEST + (n % KEYS) * THREADS + thread
    if (Atomics.exchange(words, index, n) > n) note(Wrong.Order)
  }
  const way = (n + attempt) % 7
  if (way === 1) await turn()
  if (way === 2) for (let turns = 0; turns < 5; turns++) await turn()
  if (way === 3 && attempt < 3) return delivery.nak()
  if (n % 50 === 7 && attempt < 3) throw new Error('on purpose')
  Atomics.add(words, HANDLED + n, 1)
}

function padOf(n) {
  return n % LARGE_EVERY === 1 ? `${n},`.repeat(LARGE_BYTES / 8) : ''
}

/** The jobs that were accepted and never handled. */
export function lostJobs() {
  const lost = []
  for (let n = 0; n < Math.min(JOBS_MAX, words[Word.Next]); n++) {
    if (words[ACCEPTED + n] === 1 && words[HANDLED + n] === 0) lost.push(n)
  }
  return lost
}

export function acceptedJobs() {
  let accepted = 0
  for (let n = 0; n < JOBS_MAX; n++) accepted += words[ACCEPTED + n]
  return accepted
}

export function wrongText() {
  return Object.keys(Wrong)[words[Word.Wrong]]
}

function note(wrong) {
  Atomics.compareExchange(words, Word.Wrong, Wrong.None, wrong)
}
