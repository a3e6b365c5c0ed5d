// `copyBytes`: what it copies, and that no arguments make it touch what lies beside its arrays.

import { expect, test } from 'vitest'
import { loadBinding } from '../../src/native/load.js'
import { describeAddon } from './addon.js'

const { binding } = loadBinding()

function filled(memory: ArrayBuffer | SharedArrayBuffer): Uint8Array {
  return new Uint8Array(memory).map((_, index) => index & 0xff)
}

describeAddon('copyBytes', () => {
  test.each([
    ['private to shared', () => [new ArrayBuffer(64), new SharedArrayBuffer(64)]],
    ['shared to private', () => [new SharedArrayBuffer(64), new ArrayBuffer(64)]],
    ['shared to shared', () => [new SharedArrayBuffer(64), new SharedArrayBuffer(64)]],
  ] as const)('copies %s, from and to any offset', (_, memories) => {
    const [source, target] = memories() as [ArrayBuffer, ArrayBuffer]
    const from = new Uint8Array(source)
    from.set(filled(new ArrayBuffer(64)))
    const to = new Uint8Array(target).fill(0xee)
    binding!.copyBytes(to.subarray(1), 2, from.subarray(5), 2, 11)
    expect([...to.subarray(3, 14)]).toEqual([...from.subarray(7, 18)])
    expect([...to.subarray(0, 3), ...to.subarray(14)].every((byte) => byte === 0xee)).toBe(true)
  })

  test('copies between overlapping parts of one memory', () => {
    const bytes = filled(new ArrayBuffer(16))
    binding!.copyBytes(bytes, 1, bytes, 0, 15)
    expect([...bytes]).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
  })

  test('copies nothing from and to empty arrays', () => {
    const empty = new Uint8Array(0)
    expect(() => binding!.copyBytes(empty, 0, empty, 0, 0)).not.toThrow()
    expect(() => binding!.copyBytes(new Uint8Array(4), 4, empty, 0, 0)).not.toThrow()
  })

  const from = new Uint8Array(16).fill(1)
  test.each([
    ['a target too short', [new Uint8Array(7), 0, from, 0, 8]],
    ['a source too short', [new Uint8Array(32), 0, from, 0, 17]],
    ['an offset that leaves too little of the target', [new Uint8Array(16), 9, from, 0, 8]],
    ['an offset that leaves too little of the source', [new Uint8Array(16), 0, from, 9, 8]],
    ['an offset beyond the target', [new Uint8Array(16), 17, from, 0, 0]],
    ['a negative offset', [new Uint8Array(16), -1, from, 0, 8]],
    ['a negative length', [new Uint8Array(16), 0, from, 0, -1]],
    ['a length that is no number', [new Uint8Array(16), 0, from, 0, Number.NaN]],
    ['an infinite length', [new Uint8Array(16), 0, from, 0, Infinity]],
    ['an offset of 2^53', [new Uint8Array(16), 2 ** 53, from, 0, 1]],
    ['a text for an offset', [new Uint8Array(16), '0', from, 0, 1]],
    ['another kind of array', [new Uint16Array(16), 0, from, 0, 1]],
    ['an ArrayBuffer', [new ArrayBuffer(16), 0, from, 0, 1]],
    ['a DataView', [new Uint8Array(16), 0, new DataView(new ArrayBuffer(8)), 0, 1]],
    ['a proxy', [new Uint8Array(16), 0, new Proxy(from, {}), 0, 1]],
    ['nothing', [null, 0, from, 0, 1]],
    ['too few arguments', [new Uint8Array(16), 0, from, 0]],
  ])('refuses %s, and writes nothing', (_, given) => {
    expect(() =>
      binding!.copyBytes(...(given as unknown as [Uint8Array, 0, Uint8Array, 0, 0])),
    ).toThrow(TypeError)
    const [to] = given
    if (to instanceof Uint8Array) expect(to.every((byte) => byte === 0)).toBe(true)
  })

  test('refuses an array whose memory has been given away', () => {
    const gone = new Uint8Array(8)
    structuredClone(gone, { transfer: [gone.buffer] })
    expect(() => binding!.copyBytes(gone, 0, from, 0, 1)).toThrow(TypeError)
    expect(() => binding!.copyBytes(new Uint8Array(8), 0, gone, 0, 1)).toThrow(TypeError)
  })
})
