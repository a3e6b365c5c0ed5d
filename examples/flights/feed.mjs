// The source: reads the Parquet file and publishes each row as a message. It has a thread of its
// own, because unpacking Parquet keeps one busy.
import { defineAgent, on } from 'flyshuttle'
import { readFlights } from './data.mjs'
import { nowMs } from './latency.mjs'
import { Finished, Flight, Replay, SAMPLE_EVERY } from './messages.mjs'

export default defineAgent({
  name: 'feed',
  handle: [
    on(Replay, async ({ rows }, _info, context) => {
      let readMs = 0
      let waitMs = 0
      let waits = 0
      let count = 0
      let startedMs = 0
      let markMs = nowMs()
      for await (const batch of readFlights(rows)) {
        readMs += nowMs() - markMs
        if (startedMs === 0) startedMs = nowMs()
        for (let row = 0; row < batch.count; row++) {
          const hasRoom = context.publish(Flight, {
            dateMs: batch.dateMs[row],
            sentAtMs: count++ % SAMPLE_EVERY === 0 ? nowMs() : 0,
            delayMin: batch.delayMin[row],
            distanceMi: batch.distanceMi[row],
            origin: batch.origin[row],
            destination: batch.destination[row],
          })
          if (hasRoom) continue
          // Receivers are behind: wait until there is room again, as with a stream's `write`.
          markMs = nowMs()
          await context.drained(Flight)
          waitMs += nowMs() - markMs
          waits++
          if (context.signal.aborted) throw new Error('the engine closes before the end')
        }
        // Reading the next batch keeps this thread from its event loop for a third of a second; the
        // last few flights of this one shall not wait for that.
        context.flush()
        markMs = nowMs()
      }
      context.publish(Finished, { count })
      return { startedMs, readMs, waitMs, waits }
    }),
  ],
})
