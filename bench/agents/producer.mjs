// The producing agent, told apart by what it sends: see `trade-producer.mjs`, `tick-producer.mjs`.

import { defineAgent, on } from 'flyshuttle'
import { nowNs } from '../lib/clock.mjs'
import { PRODUCE } from './messages.mjs'

/** Publishes `count` messages from `first` on; replies when its first one was published. */
export function createProducer(message, valueAt) {
  return defineAgent({
    name: 'producer',
    handle: [
      on(PRODUCE, async ({ first, count }, info, context) => {
        const endId = first + count
        const startNs = nowNs()
        for (let id = first; id < endId; id++) {
          if (!context.publish(message, valueAt(id))) await context.drained(message)
        }
        return { startNs }
      }),
    ],
  })
}
