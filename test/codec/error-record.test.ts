import { expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import {
  fromRecord,
  toBriefRecord,
  toRecord,
  type ErrorRecord,
} from '../../src/codec/error-record.js'
import { MsgpackDecoder, MsgpackEncoder } from '../../src/codec/msgpack.js'
import { viewsOf } from '../../src/memory/region.js'

/** Through the bytes, as a reply travels. */
function sent(error: unknown): FlyshuttleError {
  let saved: string[][] = []
  const views = viewsOf(new SharedArrayBuffer(1 << 20))
  const encoder = new MsgpackEncoder({ structures: [], save: (all) => void (saved = all) })
  const bytes = encoder.encode('a.b', toRecord(error))
  encoder.copyTo(views, 0)
  const decoder = new MsgpackDecoder({ load: () => saved })
  return fromRecord(decoder.decode(views.buffer, 0, bytes) as ErrorRecord)
}

test('a FlyshuttleError keeps code, message, data, cause and stack', () => {
  const cause = new FlyshuttleError('ERR_TIMEOUT', { subject: 'c.d', wanted: 5 })
  const error = new FlyshuttleError('ERR_PAYLOAD_INVALID', { subject: 'a', field: 'b' }, cause)
  const arrived = sent(error)
  expect(arrived).toBeInstanceOf(FlyshuttleError)
  expect(arrived).toBeInstanceOf(Error)
  expect(arrived.name).toBe('FlyshuttleError')
  expect(arrived.code).toBe('ERR_PAYLOAD_INVALID')
  expect(arrived.message).toBe(error.message)
  expect(arrived.data).toEqual(error.data)
  expect(arrived.stack).toContain('error-record.test.ts')
  expect(arrived.stack).toContain('at (another thread)')
  expect(arrived.cause).toBeInstanceOf(FlyshuttleError)
  const { message, data } = cause
  expect(arrived.cause).toMatchObject({ code: 'ERR_TIMEOUT', message, data })
})

test('a plain error gets ERR_HANDLER; its name goes into data', () => {
  const arrived = sent(new RangeError('too far'))
  expect([arrived.code, arrived.message]).toEqual(['ERR_HANDLER', 'too far'])
  expect(arrived.data).toEqual({ name: 'RangeError' })
  expect(arrived.cause).toBeUndefined()
})

test('an error with a code of its own keeps it', () => {
  expect(sent(Object.assign(new Error('gone'), { code: 'ENOENT' })).code).toBe('ENOENT')
  expect(sent(Object.assign(new Error('http'), { code: 404 })).code).toBe('404')
  expect(sent(Object.assign(new Error('odd'), { code: '' })).code).toBe('ERR_HANDLER')
  expect(sent(Object.assign(new Error('odd'), { code: {} })).code).toBe('ERR_HANDLER')
})

test('the code of a cause survives', () => {
  const cause = Object.assign(new Error('disk'), { code: 'ENOSPC' })
  expect(sent(new Error('save failed', { cause })).cause).toMatchObject({
    code: 'ENOSPC',
    message: 'disk',
  })
})

test.each<[string, unknown, string]>([
  ['a string', 'plain text', 'plain text'],
  ['undefined', undefined, 'a handler threw undefined'],
  ['null', null, 'a handler threw null'],
  ['a number', 3, 'a handler threw 3'],
  ['a symbol', Symbol('s'), 'a handler threw a symbol (s)'],
  ['a function', function named() {}, 'a handler threw a function (named)'],
  ['an object', { why: 1 }, 'a handler threw an object (Object)'],
  ['an object without prototype', Object.create(null), 'a handler threw an object (no prototype)'],
  ['an object like an error', { message: 'like', code: 'E1' }, 'like'],
])('%s that was thrown arrives as an error', (_, thrown, message) => {
  const arrived = sent(thrown)
  expect(arrived).toBeInstanceOf(FlyshuttleError)
  expect(arrived.message).toBe(message)
})

test('getters and proxies that throw do not stop the record', () => {
  const hostile = new Error('real')
  for (const key of ['code', 'stack', 'cause', 'errors', 'data', 'name']) {
    Object.defineProperty(hostile, key, {
      get: () => {
        throw new Error('trap')
      },
    })
  }
  const arrived = sent(hostile)
  expect([arrived.code, arrived.message]).toEqual(['ERR_HANDLER', 'real'])
  expect(arrived.data).toEqual({ name: 'Error' })
  const trap = (): never => {
    throw new Error('trap')
  }
  const proxy = new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap })
  expect(sent(proxy).message).toBe('a handler threw a value that cannot be read')
  const badData = Object.assign(new Error('x'), { data: { good: 1, bad: proxy } })
  expect(sent(badData).data).toMatchObject({ good: 1, bad: 'a value that cannot be read' })
})

test('causes are kept eight deep, also when they form a circle', () => {
  const error = new Error('round')
  error.cause = error
  let depth = 0
  for (let at: unknown = sent(error); at instanceof Error; at = at.cause) depth++
  expect(depth).toBe(9)
})

test('the errors of an AggregateError arrive in data', () => {
  const arrived = sent(new AggregateError([new TypeError('one'), 'two'], 'several'))
  expect(arrived.message).toBe('several')
  expect(arrived.data.errors).toMatchObject([
    { code: 'ERR_HANDLER', message: 'one', data: { name: 'TypeError' } },
    { message: 'two' },
  ])
})

test('an AggregateError that holds itself ends', () => {
  const error = new AggregateError([], 'round')
  error.errors.push(error, error, error)
  expect(sent(error).message).toBe('round')
})

test('data that is not plain is described', () => {
  const data = {
    text: 'kept',
    list: [1, { deep: [2, { deeper: { deepest: 1 } }] }],
    big: 5n,
    huge: 2n ** 70n,
    run: function run() {},
    symbol: Symbol('s'),
    date: new Date(0),
    map: new Map(),
    none: undefined,
  }
  expect(sent(Object.assign(new Error('x'), { data })).data).toEqual({
    text: 'kept',
    list: [1, { deep: 'an array of 2' }],
    big: 5n,
    huge: `${2n ** 70n}n`,
    run: 'a function (run)',
    symbol: 'a symbol (s)',
    date: 'an object (Date)',
    map: 'an object (Map)',
    none: undefined,
    name: 'Error',
  })
  for (const odd of [null, 3, 'text', [1], new Date()]) {
    expect(sent(Object.assign(new Error('x'), { data: odd })).data).toEqual({ name: 'Error' })
  }
})

test('data that has a name keeps it', () => {
  const error = Object.assign(new TypeError('x'), { data: { name: 'mine' } })
  expect(sent(error).data).toEqual({ name: 'mine' })
})

test('a record is bounded, whatever is in the error', () => {
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, 'x'.repeat(9)]))
  const error = Object.assign(new Error('m'.repeat(1e6)), {
    code: 'c'.repeat(1e6),
    data: { wide, long: 's'.repeat(1e6), list: Array.from({ length: 1e5 }, () => 1) },
  })
  expect(JSON.stringify(toRecord(error)).length).toBeLessThan(10_000)
  expect(sent(error).message).toMatch(/^m{2000} … \(998000 more characters\)$/)
})

test('a text that was cut says so, one that just fits is whole', () => {
  expect(sent(new Error('m'.repeat(2000))).message).toBe('m'.repeat(2000))
  expect(sent(new Error('m'.repeat(2001))).message).toBe(
    `${'m'.repeat(2000)} … (1 more characters)`,
  )
  const { message } = toBriefRecord(new Error('m'.repeat(150)))
  expect(message).toBe(`${'m'.repeat(100)} … (50 more characters)`)
})

test.each<[string, unknown]>([
  ['null', null],
  ['undefined', undefined],
  ['a number', 5],
  ['an empty object', {}],
  ['wrong types', { name: 1, code: 2, message: {}, data: 'x', stack: [], cause: 3, errors: {} }],
  ['a wrong cause', { message: 'm', cause: { cause: [] }, errors: [null, 3] }],
])('a record that is %s still gives an error', (_, record) => {
  const error = fromRecord(record as ErrorRecord)
  expect(error).toBeInstanceOf(FlyshuttleError)
  expect(error.code).toBe('ERR_HANDLER')
  expect(typeof error.message).toBe('string')
})
