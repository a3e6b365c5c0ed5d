// One of several that use every pattern at once, until told to stop, and count what they sent and
// what they got. Each talks to the next in the ring of agents. `mixed.mjs` compares the counts.

import { defineAgent, on } from 'flyshuttle'
import { setImmediate as turn } from 'node:timers/promises'
import { lookAtHeap } from '../memory.mjs'
import { Frame, Job, Square, Tick } from './mixed-messages.mjs'

const LOAN_BYTES = 200_000

const KINDS = ['ticks', 'lateTicks', 'notes', 'frames', 'large', 'jobs', 'squares', 'parts']

/** Everything a round sends; whoever is behind holds it up. */
async function round(context, jobs) {
  const { state, config } = context
  const { lane } = config
  const { sent } = state
  for (let n = 0; n < 64; n++) {
    const sequence = sent.ticks++
    const late = sequence % 10 === 0 ? 1 : 0
    sent.lateTicks += late
    const tick = { lane, sequence, late, name: `tick ${sequence % 100}` }
    if (!context.publish(Tick, tick)) await context.drained(Tick)
  }
  for (let n = 0; n < 8; n++) {
    const note = { lane, n: sent.notes, nested: { list: [1, 'two', sent.notes] } }
    sent.notes++
    const headers = { lane: `${lane}` }
    const priority = n === 0 ? 'high' : 'normal'
    const isBelow = context.publish('mixed.notes', note, { headers, priority, ttlMs: 60_000 })
    if (!isBelow) await context.drained('mixed.notes')
  }
  for (let n = 0; n < 16; n++) {
    const sequence = sent.jobs++
    if (jobs.tryAdd({ lane, sequence }) === 'full') await jobs.add({ lane, sequence })
  }
  const loan = await context.loanWhenFree(LOAN_BYTES)
  loan.bytes[0] = lane
  loan.bytes[LOAN_BYTES - 1] = 0xa5
  sent.frames++
  if (!context.publishLoan(Frame, loan)) await context.drained(Frame)
  sent.large++
  await context.send('mixed.large', new Uint8Array(100_000).fill(lane))
  const values = [1, 2, 3, 4].map((n) => ({ x: n + (sent.squares % 1000) }))
  for (const [index, { y }] of (await context.requestEach(Square, values)).entries()) {
    if (y !== values[index].x ** 2) state.wrong ??= `${values[index].x} squared is ${y}`
    sent.squares++
  }
  let expected = 0
  for await (const part of context.requestStream(`mixed.parts.${config.next}`, 20)) {
    if (part !== expected++) state.wrong ??= `part ${part} came, ${expected - 1} was due`
    sent.parts++
  }
  if (expected !== 20) state.wrong ??= `${expected} parts of 20`
  state.rounds++
}

const isBusy = ({ ready, waiting, inHand }) => ready + waiting + inHand > 0

async function flood(context) {
  const { state } = context
  const jobs = await context.queue(Job, { capacity: 1024, maxDeliver: 3 })
  const consumer = jobs.consume(() => void state.got.jobs++)
  try {
    while (!state.isStopping) {
      await round(context, jobs)
      await turn()
      if (state.pause !== null) {
        context.flush()
        jobs.flush()
        state.pause.reached()
        await state.pause.over
      }
    }
    context.flush()
    jobs.flush()
    while (isBusy(jobs.inspect())) await turn()
  } finally {
    await consumer.stop()
  }
  return state.sent
}

const counts = () => Object.fromEntries(KINDS.map((kind) => [kind, 0]))

export default defineAgent({
  name: 'mixed',
  state: () => ({
    sent: counts(),
    got: counts(),
    due: new Float64Array(16),
    rounds: 0,
    wrong: null,
    isStopping: false,
    /** Between two rounds: nothing more is sent until it is over. */
    pause: null,
  }),
  subscribe: [
    on(Tick, ({ lane, sequence, name }, _, { state }) => {
      state.got.ticks++
      if (sequence !== state.due[lane]) {
        state.wrong ??= `tick ${sequence} of ${lane} came, ${state.due[lane]} was due`
      }
      state.due[lane] = sequence + 1
      if (name !== `tick ${sequence % 100}`) state.wrong ??= `tick ${sequence} is torn`
    }),
    on(Tick, (_tick, _, { state }) => void state.got.lateTicks++, { filter: { late: 1 } }),
    on(
      'mixed.notes',
      async ({ lane, n, nested }, info, { state }) => {
        state.got.notes++
        const isWhole = nested.list[2] === n && info.headers.lane === `${lane}`
        if (!isWhole) state.wrong ??= `note ${n} of ${lane} is torn`
      },
      { queue: 'notes', policy: 'least-loaded' },
    ),
    on(
      Frame,
      (lease, _, { state }) => {
        state.got.frames++
        const { bytes } = lease
        if (bytes.length !== LOAN_BYTES || bytes[LOAN_BYTES - 1] !== 0xa5) {
          state.wrong ??= `a frame of ${bytes.length} bytes`
        }
        lease.release()
      },
      { lease: true },
    ),
    on('mixed.large', (bytes, _, { state }) => {
      state.got.large++
      const isWhole = bytes.length === 100_000 && bytes[0] === bytes[99_999]
      if (!isWhole) state.wrong ??= `large: ${bytes.length} bytes`
    }),
  ],
  handle: [
    on(Square, ({ x }, _, { state }) => {
      state.got.squares++
      return { y: x * x }
    }),
  ],
  async onStart(context) {
    const { name, state, config } = context
    await context.handle(`mixed.parts.${config.lane}`, async function* (count) {
      for (let part = 0; part < count; part++) {
        state.got.parts++
        yield part
      }
    })
    await context.handle(`${name}.flood`, () => flood(context))
    await context.handle(`${name}.stop`, () => void (state.isStopping = true))
    await context.handle(`${name}.pause`, () => {
      const pause = {}
      pause.over = new Promise((resolve) => (pause.end = resolve))
      state.pause = pause
      return new Promise((resolve) => (pause.reached = resolve))
    })
    await context.handle(`${name}.resume`, () => {
      state.pause.end()
      state.pause = null
    })
    await context.handle(`${name}.look`, () => {
      const { got, sent, rounds, wrong } = state
      return { ...lookAtHeap(), got, sent, rounds, wrong }
    })
  },
})
