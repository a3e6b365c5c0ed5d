// One of several that all send to all, at full speed, until told to stop; each checks every message
// of every other and of itself. Its heap is looked at from outside, after a full collection.
//
// With `config.leak` it keeps a number for every thousandth message that it receives, eight bytes:
// the soak test must notice.

import { defineAgent, f64, message, on, u32 } from 'flyshuttle'
import { setImmediate as turn } from 'node:timers/promises'
import { lookAtHeap } from '../memory.mjs'

const Soak = message('soak', { lane: u32, sequence: u32, sum: u32, fraction: f64, padding: f64 })
/** Messages between two looks at the clock of the loop, so that timers and requests live. */
const STRETCH = 4096

const sumOf = (lane, sequence) => (Math.imul(sequence ^ 0x9e3779b9, 0x85ebca6b) + lane) >>> 0

function check(state, config, { lane, sequence, sum, fraction }) {
  state.received++
  if (config.leak && state.received % 1000 === 0) state.leaked.push(fraction)
  const due = state.next[lane]
  state.next[lane] = (sequence + 1) >>> 0
  if (sequence !== due) state.wrong ??= `lane ${lane}: ${sequence} came, ${due} was due`
  if (sum !== sumOf(lane, sequence) || fraction !== sequence / 3) {
    state.wrong ??= `lane ${lane}: ${sequence} is torn`
  }
}

async function flood(context) {
  const { lane } = context.config
  const { state } = context
  const value = { lane, sequence: 0, sum: 0, fraction: 0, padding: 1 }
  while (!state.isStopping) {
    for (let n = 0; n < STRETCH; n++) {
      const sequence = state.sent >>> 0
      value.sequence = sequence
      value.sum = sumOf(lane, sequence)
      value.fraction = sequence / 3
      state.sent++
      if (!context.publish(Soak, value)) await context.drained(Soak)
    }
    await turn()
  }
  context.flush()
  return state.sent
}

export default defineAgent({
  name: 'everyone',
  state: () => ({
    received: 0,
    sent: 0,
    next: new Float64Array(16),
    wrong: null,
    isStopping: false,
    leaked: [],
  }),
  subscribe: [on(Soak, (value, _, { state, config }) => check(state, config, value))],
  async onStart(context) {
    const { name, state } = context
    await context.handle(`${name}.flood`, () => flood(context))
    await context.handle(`${name}.stop`, () => void (state.isStopping = true))
    await context.handle(`${name}.look`, () => {
      const { received, sent, wrong } = state
      return { ...lookAtHeap(), received, sent, wrong }
    })
  },
})
