// Flyshuttle: one agent reads what another replies with, part by part.

import { READ } from '../agents/streams.mjs'
import { measure } from '../lib/measure.mjs'
import { passOf } from '../lib/pass.mjs'
import { expectedTradeSum } from '../payloads/trade.mjs'
import { withAgents } from './flyshuttle.mjs'

/**
 * @param {{ addon: boolean, isBatched?: boolean }} what
 * @param {import('../lib/measure.mjs').Options} options
 */
export function replyStream({ addon, isBatched = false }, options) {
  return withAgents(addon, ['stream-responder', 'stream-requester'], (call) =>
    measure(options, async (job) => {
      const report = await call(READ, { ...job, isBatched })
      return passOf(job, report.startNs, report, expectedTradeSum)
    }),
  )
}
