// How many parts of a streamed reply go from a responder to its requester in a second?
//
//     requester ───────── { first, count } ─────────▶ responder
//     thread 2  ◀═══ trade, trade, trade, … ═════════ thread 1
//               ───────── more may come ────────────▶ (now and then)
//
// Parts are the 40-byte records of `one-to-one-struct`, summed and checked as there. `flyshuttle`
// is an async generator read by `for await`, part by part; `flyshuttle-batches` a plain generator
// read by `batches()`. For `postMessage` the same stream is what `one-to-one-struct` measures:
// messages under a window that the consumer opens again, and no promise for each of them.

import { flowContenders } from './flows.mjs'

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'reply-stream',
  title: 'streamed reply',
  question: 'parts of a streamed reply, structs of 40 bytes',
  unit: 'messages/s',
  baselines: ['postMessage'],
  threads: 2,
  contenders: {
    ...Object.fromEntries(
      [
        ['flyshuttle', { addon: true }],
        ['flyshuttle-batches', { addon: true, isBatched: true }],
        ['flyshuttle-js', { addon: false }],
      ].map(([name, what]) => [
        name,
        async (options) => {
          const { replyStream } = await import('../contenders/flyshuttle-streams.mjs')
          return replyStream(what, options)
        },
      ]),
    ),
    ...flowContenders({ payload: 'trade' }, ['postMessage', 'postMessage-batched']),
  },
}
