import { describe, expect, test } from 'vitest'
import {
  HEADER_BYTES,
  HEADER_LAYOUT_VERSION,
  HEADER_MAGIC,
  HEADER_SUBSCRIPTIONS,
  LAYOUT_VERSION,
  planGeometry,
} from '../../src/memory/layout.js'
import { createRegion, openRegion, viewsOf } from '../../src/memory/region.js'

const geometry = planGeometry(2, {
  bulkRingBytes: 2048,
  urgentRingBytes: 1024,
  dictionaryBytes: 4096,
  changeLogBytes: 8192,
  subscriptions: 100,
})

describe('a region', () => {
  test('is opened with the geometry that it was created with', () => {
    const region = createRegion(geometry)
    const opened = openRegion(region.memory)
    expect(opened.layout).toMatchObject(geometry)
    expect(opened.layout.regionBytes).toBe(region.memory.byteLength)
    opened.views.f64[100] = 1.5
    expect(region.views.f64[100]).toBe(1.5)
  })

  test('begins as zeroes behind its header', () => {
    const { views } = createRegion(geometry)
    expect(views.bytes.subarray(HEADER_BYTES).every((byte) => byte === 0)).toBe(true)
  })

  test.each([
    ['no bytes', 0],
    ['fewer bytes than a header', HEADER_BYTES - 8],
    ['bytes that are no words', 13],
    ['nothing but zeroes', 1 << 16],
  ])('is not opened where there are %s', (_, bytes) => {
    expect(() => openRegion(new SharedArrayBuffer(bytes))).toThrow(
      expect.objectContaining({ code: 'ERR_LAYOUT_MISMATCH' }),
    )
  })

  test.each([
    ['another magic', HEADER_MAGIC, 1, /magic/],
    ['another version', HEADER_LAYOUT_VERSION, LAYOUT_VERSION + 1, /version/],
    ['a geometry for another size', HEADER_SUBSCRIPTIONS, 50_000, /bytes/],
  ])('is not opened with %s', (_, offset, value, wanted) => {
    const { memory, views } = createRegion(geometry)
    views.u32[offset >>> 2] = value
    expect(() => openRegion(memory)).toThrow(wanted)
  })

  test('is seen through views that all begin at its first byte', () => {
    const views = viewsOf(new SharedArrayBuffer(64))
    views.bytes.set([1, 2, 3, 4, 5, 6, 7, 0x80])
    expect(views.u16[0]).toBe(0x0201)
    expect(views.u32[1]).toBe(0x8007_0605)
    expect(views.i32[1]).toBe(0x8007_0605 | 0)
    expect(views.u64[0]).toBe(0x8007_0605_0403_0201n)
    expect(views.i64[0]).toBeLessThan(0n)
    expect(views.i8[7]).toBe(-128)
    expect(views.buffer[6]).toBe(7)
    for (const view of Object.values(views)) expect(view.byteOffset).toBe(0)
  })
})
