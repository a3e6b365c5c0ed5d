// Lives through every death: checks what each victim sent, and talks to it in bursts.

import { defineAgent, on } from 'flyshuttle'
import { Word, words } from '../pass.mjs'
import {
  Checker,
  LargeFromVictim,
  ToWitness,
  createTalk,
  talkToVictim,
  tornBytes,
} from '../streams.mjs'

export default defineAgent({
  name: 'witness',
  state: () => ({ numbered: new Checker(), loose: new Checker(), talk: createTalk(1), torn: null }),
  subscribe: [
    on(ToWitness, (value, _, { state }) => state.numbered.check(value)),
    on(
      LargeFromVictim,
      (lease, _, { state }) => {
        state.torn ??= tornBytes(lease.bytes)
        lease.release()
      },
      { lease: true },
    ),
    on('loose.>', (value, _, { state }) => state.loose.check(value)),
    on('go', async (_, __, context) => {
      await talkToVictim(context, context.state.talk)
      Atomics.add(words, Word.WitnessBursts, 1)
    }),
  ],
  handle: [
    on('witness.echo', (value) => value),
    on('witness.verdict', (lane, _, { state }) => ({
      wrong: state.numbered.wrong ?? state.loose.wrong ?? state.torn,
      next: state.numbered.next(lane),
      outcomes: [...state.talk.outcomes],
    })),
  ],
})
