import { expect, test } from 'vitest'
import { loadBinding } from '../../src/native/load.js'
import { describeAddon } from './addon.js'

const { binding } = loadBinding()

describeAddon('measureLimit', () => {
  const shapes = [
    { frames: 1, payloadBytes: 4, ringBytes: 1024, publishEach: true },
    { frames: 9999, payloadBytes: 0, ringBytes: 1024, publishEach: false },
    { frames: 10_000, payloadBytes: 240, ringBytes: 1024, publishEach: true },
    { frames: 50_001, payloadBytes: 40, ringBytes: 65_536, publishEach: true },
    { frames: 50_001, payloadBytes: 44, ringBytes: 65_536, publishEach: false },
  ]

  test.each(shapes)('reads every word: $frames × $payloadBytes B', (shape) => {
    const words = shape.payloadBytes / 4
    let sum = 0n
    for (let sequence = 0; sequence < shape.frames; sequence++) {
      for (let index = 0; index < words; index++) sum += BigInt(sequence + index)
    }
    const { seconds, ...rest } = binding!.measureLimit(shape)
    const checksum = Number(BigInt.asUintN(32, sum))
    expect(rest).toEqual({ frames: shape.frames, checksum, expected: checksum })
    expect(seconds).toBeGreaterThan(0)
  })

  test('refuses what its ring cannot carry', () => {
    const shape = { frames: 1, payloadBytes: 40, ringBytes: 1024, publishEach: true }
    for (const bad of [
      { payloadBytes: 41 },
      { payloadBytes: 244 },
      { ringBytes: 1000 },
      { frames: 0 },
      { frames: -1 },
    ]) {
      expect(() => binding!.measureLimit({ ...shape, ...bad })).toThrow(TypeError)
    }
  })
})
