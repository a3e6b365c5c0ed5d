import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HEADERS_BYTES_MAX } from '../../src/base/limits.js'
import { decodeHeaders, encodeHeaders } from '../../src/codec/headers.js'

const there = (headers: unknown): unknown => {
  const bytes = Buffer.from(encodeHeaders(headers))
  return decodeHeaders(bytes, 0, bytes.length)
}

describe('headers', () => {
  test('arrive as they were given, whatever their texts hold', () => {
    const name = fc.stringMatching(/^[!-9;-~]{1,20}$/)
    const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((s) => !/[\r\n]/.test(s))
    const property = fc.property(fc.dictionary(name, text, { maxKeys: 8 }), (headers) => {
      expect({ ...(there(headers) as object) }).toEqual({ ...headers })
    })
    fc.assert(property, { numRuns: 200 })
  })

  test('called __proto__ or constructor are texts like others', () => {
    const headers = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>
    expect(Object.entries(there(headers) as object)).toEqual(Object.entries(headers))
  })

  test.each([
    [null, /headers/],
    ['text', /headers/],
    [['a'], /headers/],
    [{ 'a b': 'c' }, /"a b"/],
    [{ 'a:b': 'c' }, /"a:b"/],
    [{ '': 'c' }, /""/],
    [{ a: 1 }, /headers\.a/],
    [{ a: 'one\ntwo' }, /headers\.a/],
    [{ a: 'x'.repeat(HEADERS_BYTES_MAX) }, /bytes/],
  ])('%j are refused', (headers, wanted) => {
    const thrown = (): unknown => encodeHeaders(headers)
    expect(thrown).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }))
    expect(thrown).toThrow(wanted)
  })

  test.each(['', '{', '[1]', '{"a":1}', 'null', '"text"'])('%s in a frame is none', (text) => {
    const bytes = Buffer.from(text)
    expect(decodeHeaders(bytes, 0, bytes.length)).toBe(null)
  })
})
