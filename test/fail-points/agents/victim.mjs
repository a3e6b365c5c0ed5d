// Dies at a fail-point, or when it is told to. Until then it streams to the others in bursts, asks
// them, answers them, and checks what they send. What it handled and what it flushed is noted in
// words that outlive it.

import { defineAgent, on } from 'flyshuttle'
import { QUEUES, addJobs, handleJob } from '../jobs.mjs'
import { Word, words } from '../pass.mjs'
import {
  Checker,
  FRAMES,
  LargeFromVictim,
  LargeToVictim,
  ToMain,
  ToVictim,
  ToWitness,
  make,
  sendLarge,
  tornBytes,
} from '../streams.mjs'

/** Nothing that any victim has handled may be handled by the next. */
function checkOnce({ lane, sequence }) {
  const last = Atomics.exchange(words, Word.Handled + lane, sequence)
  if (sequence > last) return
  Atomics.store(words, Word.Twice, 1)
}

async function burst(context) {
  const { state, config } = context
  for (let n = 0; n < FRAMES; n++, state.sequence++) {
    context.publish(ToWitness, make(config.lane, state.sequence))
    context.publish(ToMain, make(config.lane, state.sequence))
  }
  // Subjects and shapes that its dictionary does not know yet.
  const fresh = { ...make(config.lane, state.bursts), [`key${config.lane}x${state.bursts}`]: 1 }
  context.publish(`loose.${config.lane}.${state.bursts++}`, fresh)
  await sendLarge(context, LargeFromVictim, config.lane)
  const asked = ['witness.echo', 'main.echo'].map((subject) => context.request(subject, 1))
  await Promise.all([context.drained(ToWitness), context.drained(ToMain)])
  // Nothing waits any more: what lies in batches leaves now.
  context.flush()
  Atomics.store(words, Word.Flushed, state.sequence)
  await Promise.all(asked)
  await addJobs(state.queues)
  state.finished++
}

const WAYS_TO_DIE = {
  exit: () => process.exit(1),
  throw: () =>
    setImmediate(() => {
      throw new Error('uncaught, on purpose')
    }),
  memory: () => {
    for (const hoard = []; ;) hoard.push(new Array(1000).fill(hoard.length))
  },
}

export default defineAgent({
  name: 'victim',
  state: () => ({
    sequence: 0,
    bursts: 0,
    finished: 0,
    checker: new Checker(),
    lease: null,
    queues: [],
  }),
  onStart: async (context) => {
    context.state.queues = await Promise.all(QUEUES.map(({ name }) => context.queue(name)))
    for (const queue of context.state.queues) queue.consume(handleJob, { concurrency: 2 })
  },
  subscribe: [
    on(ToVictim, (value, _, { state }) => {
      checkOnce(value)
      state.checker.check(value)
      if (state.checker.wrong !== null) throw new Error(state.checker.wrong)
    }),
    on('go', (_, __, context) => burst(context)),
    on(LargeToVictim, (bytes) => {
      const torn = tornBytes(bytes)
      if (torn !== null) throw new Error(torn)
    }),
    // One lease is always in its hands.
    on(
      LargeToVictim,
      (lease, _, { state }) => {
        state.lease?.release()
        state.lease = lease
        const torn = tornBytes(lease.bytes)
        if (torn !== null) throw new Error(torn)
      },
      { lease: true },
    ),
  ],
  handle: [
    on('victim.echo', (value) => value),
    on('victim.finished', (_, __, { state }) => state.finished),
    on('victim.die', (way) => new Promise(() => WAYS_TO_DIE[way]())),
  ],
})
