// One side of a peer on a thread of its own: it receives, sends or responds.

import { workerData } from 'node:worker_threads'
import { createTally } from '../../lib/tally.mjs'
import { nowNs } from '../../lib/clock.mjs'
import { serve } from '../../lib/worker-call.mjs'
import { answerTo } from '../../payloads/question.mjs'
import { createPayload } from '../../payloads/payloads.mjs'
import { createAcknowledger, createCredit } from '../../workers/credit.mjs'

const { name, address, side, port } = workerData
const peer = await import(`../peers/${name}.mjs`)
const payload = createPayload('tick')

/** @type {{ close(): unknown }} */
let opened

const SIDES = {
  responder: () => ({
    open: async () => void (opened = await peer.openResponder(address, answerTo)),
  }),

  receiver() {
    const tally = createTally(payload)
    const acknowledge = createAcknowledger(port, payload.bytes)
    const take = (value) => {
      tally.take(value)
      acknowledge(1)
    }
    return {
      open: async () => void (opened = await peer.openReceiver(address, take)),
      expect: tally.expect,
      complete: tally.complete,
      report: tally.report,
    }
  },

  sender() {
    const credit = createCredit(port, payload.bytes)
    /** @type {any} */
    let sender
    return {
      open: async () => void (opened = sender = await peer.openSender(address)),
      async produce({ first, count }) {
        const startNs = nowNs()
        for (let id = first; id < first + count; id++) {
          while (!credit.take(1)) await credit.room()
          const sent = sender.send(payload.valueAt(id))
          if (sent !== undefined) await sent
        }
        return { startNs }
      },
    }
  },
}

serve({ ...SIDES[side](), close: () => opened?.close() })
