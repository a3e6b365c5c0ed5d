// Payload name → how it is made, checked and summed, for threads that are told the name when they
// start.

import { createBytes } from './bytes.mjs'
import { createFrame } from './frame.mjs'
import { expectedTickSum, foldTick, tickAt } from './tick.mjs'
import { expectedTradeSum, foldTrade, tradeAt } from './trade.mjs'
import { createWantedTrades } from './wanted-trade.mjs'

/**
 * @typedef {import('../lib/measure.mjs').Job} Job
 * @typedef {object} Payload
 * @property {(id: number) => any} valueAt what is sent; the next call may use the same memory
 * @property {(id: number, spare?: any) => any} ownValueAt the same, in memory of its own; `spare`
 *   is such memory, of an earlier message
 * @property {(value: any) => number} idOf the sequence number of what arrived
 * @property {(sum: number, value: any) => number} fold adds what arrived to a sum
 * @property {(first: number, count: number) => number} expectedSum what the sum had to be
 * @property {(value: any) => boolean} [isWanted] whether the consumer wants it; all unless given
 * @property {(job: Job) => Job} [wantedOf] what of a job is wanted, in the numbers of `idOf`
 * @property {number} bytes about so many, to bound what is under way
 */

const idOf = (value) => value.id

/** @type {Record<string, () => Payload>} */
const PAYLOADS = {
  trade: () => ({
    valueAt: tradeAt,
    ownValueAt: tradeAt,
    idOf,
    fold: foldTrade,
    expectedSum: expectedTradeSum,
    bytes: 40,
  }),
  'wanted-trade': createWantedTrades,
  tick: () => ({
    valueAt: tickAt,
    ownValueAt: tickAt,
    idOf,
    fold: foldTick,
    expectedSum: expectedTickSum,
    bytes: 64,
  }),
  'bytes-64': () => createBytes(64),
  'bytes-1k': () => createBytes(1024),
  'bytes-64k': () => createBytes(65_536),
  'frame-1m': () => createFrame(1024 * 1024),
}

/** @param {string} name */
export function createPayload(name) {
  return PAYLOADS[name]()
}
