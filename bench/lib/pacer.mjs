// The sender of an open loop: message n leaves at `startNs + n × intervalNs`, or as soon after that
// as its thread gets to it, whether or not earlier ones have been answered.
//
// A sender that is late is not excused: whoever measures does so from the intended time. Between
// messages its event loop turns without sleeping, because a timer is a millisecond coarse; only
// when the next message is far off does it sleep, and wakes early enough.

import { nowNs } from './clock.mjs'

/** Closer than this there is no sleep; and so much before its time a sleeper is awake again. */
const SLEEP_MS_MIN = 3
const AWAKE_EARLY_MS = 2

/**
 * @typedef {object} PacedJob
 * @property {number} first sequence number
 * @property {number} count
 * @property {number} startNs when the first one is to leave, on the clock of `nowNs`
 * @property {number} intervalNs
 */

/**
 * Resolves when the last one has been sent.
 *
 * @param {PacedJob} job
 * @param {(id: number) => Promise<void> | undefined} send a promise: there is no room until then
 * @returns {Promise<void>}
 */
export function pace({ first, count, startNs, intervalNs }, send) {
  return new Promise((resolve, reject) => {
    let sent = 0
    const turn = () => {
      try {
        const due = Math.min(count, Math.floor((nowNs() - startNs) / intervalNs) + 1)
        while (sent < due) {
          const room = send(first + sent++)
          if (room === undefined) continue
          room.then(turn, reject)
          return
        }
      } catch (error) {
        reject(error)
        return
      }
      if (sent === count) {
        resolve()
        return
      }
      const leftMs = (startNs + sent * intervalNs - nowNs()) / 1e6
      if (leftMs < SLEEP_MS_MIN) setImmediate(turn)
      else setTimeout(turn, leftMs - AWAKE_EARLY_MS)
    }
    turn()
  })
}
