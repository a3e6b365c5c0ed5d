// Taking a place: what is asked of the kernel, and what is told when it refuses. What the kernel
// makes of it on two nodes is proved by `npm run test:numa`.

import { expect, test } from 'vitest'
import { Lane, layoutOf, planGeometry } from '../../src/memory/layout.js'
import { createRegion } from '../../src/memory/region.js'
import type { NativeBinding } from '../../src/native/binding.js'
import { loadBinding } from '../../src/native/load.js'
import { affinity, takePlace } from '../../src/placement/place.js'
import { describeOnLinux } from '../native/addon.js'

const geometry = planGeometry(3, { subscriptions: 1, dictionaryBytes: 8, changeLogBytes: 8 })
const region = createRegion(geometry)
const EPERM = -1
const EINVAL = -22

/** A kernel that answers as it is told, and remembers what was asked. */
function kernel(answers: { setAffinity?: number; preferNode?: number } = {}) {
  const asked: unknown[] = []
  const binding = {
    setAffinity(cpus: Int32Array) {
      asked.push(['setAffinity', [...cpus]])
      return answers.setAffinity ?? 0
    },
    getAffinity(cpus: Int32Array) {
      cpus.set([4, 5])
      return 2
    },
    preferNode(_: Uint8Array, offset: number, bytes: number, node: number) {
      asked.push(['preferNode', offset, bytes, node])
      return answers.preferNode ?? 1
    },
  }
  return { asked, binding: binding as unknown as NativeBinding }
}

test('pins first, then asks for both rings of every link into the thread', () => {
  const { asked, binding } = kernel()
  const placed = takePlace(binding, region, 1, { cpus: [4, 5], node: 2 })
  const { ring, ringBytes } = layoutOf(geometry)
  const bytes = ringBytes(Lane.Urgent) + ringBytes(Lane.Bulk)
  expect(asked).toEqual([
    ['setAffinity', [4, 5]],
    ['preferNode', ring(0, 1, Lane.Urgent), bytes, 2],
    ['preferNode', ring(1, 1, Lane.Urgent), bytes, 2],
    ['preferNode', ring(2, 1, Lane.Urgent), bytes, 2],
  ])
  expect(ring(0, 1, Lane.Urgent) + ringBytes(Lane.Urgent)).toBe(ring(0, 1, Lane.Bulk))
  expect(placed).toEqual({
    cpus: [4, 5],
    cpusRefused: null,
    memoryNode: 2,
    memoryRefused: null,
  })
})

test('asks for nothing when nothing is planned', () => {
  const { asked, binding } = kernel()
  const placed = takePlace(binding, region, 1, { cpus: null, node: -1 })
  expect(asked).toEqual([])
  expect(placed).toMatchObject({ cpus: [4, 5], cpusRefused: null, memoryNode: null })
})

test('tells what was refused by its name, and goes on', () => {
  const { asked, binding } = kernel({ setAffinity: EINVAL, preferNode: EPERM })
  const placed = takePlace(binding, region, 1, { cpus: [9], node: 1 })
  expect(placed).toEqual({
    cpus: [4, 5],
    cpusRefused: 'EINVAL',
    memoryNode: null,
    memoryRefused: 'EPERM',
  })
  expect(asked).toHaveLength(2)
})

test('without the addon nothing can be asked', () => {
  expect(takePlace(null, region, 0, { cpus: null, node: -1 }).cpus).toBe(null)
  expect(takePlace(null, region, 0, { cpus: [1], node: 0 })).toMatchObject({
    cpusRefused: 'ENOSYS',
    memoryRefused: 'ENOSYS',
  })
})

describeOnLinux('the addon', () => {
  const { binding } = loadBinding()
  const page = 4096

  test('says how many CPUs there are, however few fit', () => {
    const all = affinity(binding!)
    const one = new Int32Array(1)
    expect(binding!.getAffinity(one)).toBe(all?.length)
    expect(one[0]).toBe(all?.[0])
    expect(binding!.getAffinity(new Int32Array(0))).toBe(all?.length)
  })

  test('pins this thread to CPUs that it has, and refuses others', () => {
    const before = affinity(binding!) ?? []
    try {
      expect(binding!.setAffinity(Int32Array.of(before[0] ?? 0))).toBe(0)
      expect(affinity(binding!)).toEqual([before[0]])
      for (const cpus of [[], [-1], [1 << 20], [Math.max(...before) + 4096]]) {
        expect(binding!.setAffinity(Int32Array.from(cpus))).toBe(EINVAL)
      }
      expect(affinity(binding!)).toEqual([before[0]])
    } finally {
      binding!.setAffinity(Int32Array.from(before))
    }
  })

  test('refuses what is no list and what lies outside the region', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(2 * page))
    expect(() => binding!.setAffinity([0] as never)).toThrow(TypeError)
    expect(() => binding!.getAffinity(undefined as never)).toThrow(TypeError)
    expect(() => binding!.preferNode(bytes, page, page + 1, 0)).toThrow(TypeError)
    expect(() => binding!.preferNode(bytes, 0, page, -1)).toThrow(TypeError)
    expect(() => binding!.nodesOf(bytes, 3 * page, 0, new Int32Array(1))).toThrow(TypeError)
    expect(() => binding!.nodesOf(bytes, 0, page, bytes as never)).toThrow(TypeError)
  })

  test('counts pages so that neighbours share none and leave none out', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(64 * page))
    const nowhere = new Int32Array(0)
    const pagesOf = (offset: number, length: number) =>
      binding!.nodesOf(bytes, offset, length, nowhere)
    const whole = pagesOf(0, 64 * page)
    for (const cut of [100, 10 * page, 10 * page + 2047, 10 * page + 2049, 63 * page]) {
      expect(pagesOf(0, cut) + pagesOf(cut, 64 * page - cut)).toBe(whole)
    }
  })
})
