// One layout, two implementations: every number of `native/core/` equals its namesake in `src/`.

import { expect, test } from 'vitest'
import * as limits from '../../src/base/limits.js'
import * as layout from '../../src/memory/layout.js'
import type { Geometry } from '../../src/memory/layout.js'
import { loadBinding } from '../../src/native/load.js'
import * as codecId from '../../src/base/codec-id.js'
import * as frame from '../../src/ring/frame.js'
import { describeAddon } from './addon.js'

const { binding } = loadBinding()

const geometries: Geometry[] = [
  layout.planGeometry(1, { subscriptions: 1, dictionaryBytes: 8, changeLogBytes: 8 }),
  layout.planGeometry(2),
  layout.planGeometry(3, { bulkRingBytes: 4096, urgentRingBytes: 1024, subscriptions: 1023 }),
  layout.planGeometry(16),
  layout.planGeometry(17, { dictionaryBytes: 12_345 & -8 }),
  layout.planGeometry(limits.THREADS_MAX),
]

/** Everything that TypeScript says, under the names that the addon uses. */
function expectedOf(geometry: Geometry): Record<string, number> {
  const expected: Record<string, number> = {}
  const shared = { ...limits, ...layout, ...frame, ...codecId } as Record<string, unknown>
  for (const [name, value] of Object.entries(shared)) {
    if (typeof value === 'number') expected[name] = value
    else if (typeof value === 'object') addMembers(expected, name, value as object)
  }
  const plan = layout.layoutOf(geometry)
  addMembers(expected, '', plan)
  for (const from of [0, geometry.threads - 1]) {
    expected[`inbox(${from})`] = plan.inbox(from)
    expected[`dictionary(${from})`] = plan.dictionary(from)
    for (const to of [0, geometry.threads - 1]) {
      for (const lane of [layout.Lane.Urgent, layout.Lane.Bulk]) {
        expected[`laneWords(${from},${to},${lane})`] = plan.laneWords(from, to, lane)
        expected[`ring(${from},${to},${lane})`] = plan.ring(from, to, lane)
        expected[`ringBytes(${lane})`] = plan.ringBytes(lane)
      }
    }
  }
  return expected
}

function addMembers(record: Record<string, number>, prefix: string, members: object): void {
  for (const [name, value] of Object.entries(members)) {
    if (typeof value === 'number') record[prefix === '' ? name : `${prefix}.${name}`] = value
  }
}

describeAddon('the layout in C++', () => {
  test.each(geometries)('equals the one in TypeScript for $threads threads', (geometry) => {
    const found = binding!.layout([
      geometry.threads,
      geometry.bulkRingBytes,
      geometry.urgentRingBytes,
      geometry.dictionaryBytes,
      geometry.changeLogBytes,
      geometry.subscriptions,
      geometry.queueBytes,
      geometry.chunkBytes,
    ])
    const expected = expectedOf(geometry)
    for (const [name, value] of Object.entries(found)) {
      expect({ [name]: value }).toEqual({ [name]: expected[name] })
    }
  })

  test('knows every constant of the region and of frames', () => {
    const found = binding!.layout([1, 1024, 1024, 8, 8, 1, 8, 8])
    for (const [name, value] of Object.entries({ ...layout, ...frame })) {
      if (typeof value === 'number') expect(found).toHaveProperty([name])
      if (typeof value !== 'object') continue
      for (const member of Object.keys(value)) expect(found).toHaveProperty([`${name}.${member}`])
    }
  })

  test('refuses a geometry that no region has', () => {
    expect(() => binding!.layout([1, 2, 3])).toThrow(TypeError)
    expect(() => binding!.layout([0, 1024, 1024, 8, 8, 1, 8, 8])).toThrow(/1 to 64 threads/)
    expect(() => binding!.layout([65, 1024, 1024, 8, 8, 1, 8, 8])).toThrow(/1 to 64 threads/)
    expect(() => binding!.layout([1, 1024, -1, 8, 8, 1, 8, 8])).toThrow(/whole number/)
  })
})
