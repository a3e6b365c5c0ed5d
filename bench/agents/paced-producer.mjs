// Publishes trades, each at its time.

import { defineAgent, on } from 'flyshuttle'
import { pace } from '../lib/pacer.mjs'
import { tradeAt } from '../payloads/trade.mjs'
import { PRODUCE, Trade } from './messages.mjs'

export default defineAgent({
  name: 'paced-producer',
  handle: [
    on(PRODUCE, (job, info, context) =>
      pace(job, (id) => {
        if (!context.publish(Trade, tradeAt(id))) return context.drained(Trade)
      }),
    ),
  ],
})
