// What a choice within a queue group costs, by policy and by how many members there are: played,
// with rings of which some are fuller than others, and messages of a hundred keys.

import {
  createRandom,
  createRegion,
  Group,
  Lane,
  NONE_ASKED,
  Outbox,
  planGeometry,
  policyOf,
} from 'flyshuttle/testing'
import { spread } from './spread.mjs'

const POLICIES = ['', 'least-loaded', 'two-choices', 'weighted', 'key']
const SIZES = [1, 4, 32]
const BATCH = 1000
const FRAME_BYTES = 64
const KEYS = 100

/** @param {number} batches */
export function measureGroups(batches) {
  return SIZES.flatMap((size) => {
    const groups = POLICIES.map((policy) => groupOf(policy, size))
    const samples = groups.map(() => [])
    // All policies in turn, so that a slow moment of the machine hits them alike.
    for (let batch = 0; batch < batches; batch++) {
      groups.forEach((group, index) => samples[index].push(choose(group, size)))
    }
    return POLICIES.map((policy, index) => ({
      name: `${policy || 'round-robin'}, ${size}`,
      ns: spread(samples[index]),
    }))
  })
}

function choose(group, size) {
  const counts = new Uint32Array(size)
  const begun = process.hrtime.bigint()
  for (let n = 0; n < BATCH; n++) {
    group.rank(FRAME_BYTES, 1 + (n % KEYS), NONE_ASKED)
    const index = group.at(0)
    group.choose(index)
    group.confirm()
    counts[index]++
  }
  const ns = Number(process.hrtime.bigint() - begun) / BATCH
  const total = counts.reduce((sum, count) => sum + count)
  if (total !== BATCH) throw new Error(`chose ${total} times; wanted ${BATCH}`)
  return ns
}

function groupOf(policy, size) {
  const region = createRegion(planGeometry(size + 1))
  const outbox = new Outbox(region, 0)
  const members = Array.from({ length: size }, (_, id) => ({
    subscription: { id },
    link: outbox.link(id + 1, Lane.Bulk),
    row: (region.layout.subscriptionRows >>> 2) + id,
    filters: null,
    standing: { weight: 1 + (id % 3), credit: 0 },
  }))
  const membership = { queue: 'q', policy: policyOf(policy), members, near: size, turn: 0 }
  return new Group(membership, false, region.views.i32, createRandom(1))
}
