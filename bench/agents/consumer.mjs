// The consuming agent, told apart by what it receives: see `trade-consumer.mjs`,
// `tick-consumer.mjs`.

import { defineAgent, on } from 'flyshuttle'
import { createTally } from '../lib/tally.mjs'
import { COMPLETE, EXPECT, REPORT } from './messages.mjs'

/** Takes every message into a tally; replies to COMPLETE when all have come. */
export function createConsumer(message, fold) {
  const tally = createTally(fold)
  return defineAgent({
    name: 'consumer',
    subscribe: [on(message, (value) => tally.take(value))],
    handle: [
      on(EXPECT, (job) => tally.expect(job)),
      on(COMPLETE, () => tally.complete()),
      on(REPORT, () => tally.report()),
    ],
  })
}
