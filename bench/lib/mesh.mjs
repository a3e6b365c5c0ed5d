// Many threads that talk at the same time, each a node: who sends to whom, and who conducts.
//
//     pairs         0 ──▶ 1    2 ──▶ 3    …       no two pairs have a thread in common
//     all-to-all    0 ⇄ 1 ⇄ 2 ⇄ 0 …               every node to every other; a lone one to itself
//
// In round r a node sends trade number r × nodes + node to each of its targets. So each number has
// one sender, a receiver knows whose it is, and each sender's order is checked by itself.

import { expectedTradeSum, foldTrade, tradeAt } from '../payloads/trade.mjs'
import { nowNs } from './clock.mjs'
import { untilCompleteOrLate } from './deadline.mjs'
import { measure } from './measure.mjs'
import { createTally } from './tally.mjs'
import { refusalOf } from './verdict.mjs'

export const SHAPES = ['pairs', 'all-to-all']

/**
 * @typedef {{ shape: string, node: number, nodes: number }} Place
 * @typedef {{ firstRound: number, rounds: number }} MeshJob
 */

/** The nodes to which a node sends. @param {Place} place @returns {number[]} */
export function targetsOf({ shape, node, nodes }) {
  if (shape === 'pairs') return node % 2 === 0 && node + 1 < nodes ? [node + 1] : []
  const all = Array.from({ length: nodes }, (_, target) => target)
  return nodes === 1 ? all : all.filter((target) => target !== node)
}

/** The nodes from which a node receives. @param {Place} place @returns {number[]} */
export function sourcesOf({ shape, node, nodes }) {
  const all = Array.from({ length: nodes }, (_, source) => source)
  return all.filter((source) => targetsOf({ shape, node: source, nodes }).includes(node))
}

/**
 * What every contender's node does. It only brings how to send; what comes goes to `take`.
 *
 * @param {Place} place
 * @param {(target: number, value: object) => Promise<void> | undefined} send a promise: there is no
 *   room until then
 */
export function createNode(place, send) {
  const { node, nodes } = place
  const targets = targetsOf(place)
  const sources = sourcesOf(place).length
  const tally = createTally({ idOf: ({ id }) => id, fold: foldTrade }, { producers: nodes })
  return {
    take: tally.take,
    /** @param {MeshJob} job */
    expect: ({ firstRound, rounds }) =>
      tally.expect({ first: firstRound * nodes, count: rounds * sources }),
    /** @param {MeshJob} job */
    async produce({ firstRound, rounds }) {
      const startNs = nowNs()
      for (let round = firstRound; round < firstRound + rounds; round++) {
        const id = round * nodes + node
        for (let index = 0; index < targets.length; index++) {
          const room = send(targets[index], tradeAt(id))
          if (room !== undefined) await room
        }
      }
      return { startNs }
    },
    complete: () => tally.complete(),
    report: () => tally.report(),
  }
}

/**
 * @param {{ shape: string, nodes: number }} mesh
 * @param {(node: number, name: 'expect' | 'produce' | 'complete' | 'report', job?: MeshJob) =>
 *   Promise<any>} call asks one node
 * @param {import('./measure.mjs').Options} options
 */
export function measureMesh({ shape, nodes }, call, options) {
  const places = Array.from({ length: nodes }, (_, node) => ({ shape, node, nodes }))
  const senders = places.filter((place) => targetsOf(place).length > 0)
  const receivers = places.filter((place) => sourcesOf(place).length > 0)
  const links = senders.reduce((sum, place) => sum + targetsOf(place).length, 0)
  const allOf = (some, name, job) => Promise.all(some.map(({ node }) => call(node, name, job)))
  let firstRound = 0
  return measure(options, async ({ count }) => {
    const job = { firstRound, rounds: Math.ceil(count / links) }
    firstRound += job.rounds
    await allOf(receivers, 'expect', job)
    const starts = await allOf(senders, 'produce', job)
    await untilCompleteOrLate(allOf(receivers, 'complete'))
    const startNs = Math.min(...starts.map((start) => start.startNs))
    return passOfMesh(job, startNs, receivers, await allOf(receivers, 'report'))
  })
}

/**
 * All that was received, from the first message to the last. Each receiver is weighed by itself: if
 * one cannot be believed, its evidence stands for all.
 *
 * @param {MeshJob} job
 * @param {number} startNs
 * @param {readonly Place[]} receivers
 * @param {readonly import('./pass.mjs').Report[]} reports of the same nodes
 */
export function passOfMesh(job, startNs, receivers, reports) {
  const seconds = (Math.max(...reports.map(({ endNs }) => endNs)) - startNs) / 1e9
  const passes = reports.map(({ received, disordered, checksum }, index) => {
    const { sent, expected } = expectedOf(receivers[index], job)
    return { seconds, evidence: { sent, received, disordered, checksum, expected } }
  })
  const unbelieved = passes.find((pass) => refusalOf(pass) !== null)
  if (unbelieved !== undefined) return unbelieved
  const total = (key) => passes.reduce((sum, { evidence }) => sum + evidence[key], 0)
  const keys = Object.keys(passes[0].evidence)
  return { seconds, evidence: Object.fromEntries(keys.map((key) => [key, total(key)])) }
}

function expectedOf(place, { firstRound, rounds }) {
  const sources = sourcesOf(place)
  let expected = 0
  for (const source of sources) {
    for (let round = firstRound; round < firstRound + rounds; round++) {
      expected = (expected + expectedTradeSum(round * place.nodes + source, 1)) | 0
    }
  }
  return { sent: rounds * sources.length, expected }
}
