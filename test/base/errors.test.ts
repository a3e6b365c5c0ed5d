import { describe as group, expect, test } from 'vitest'
import { assert, describe, ERROR_CATALOGUE, FlyshuttleError } from '../../src/base/errors.js'

group('FlyshuttleError', () => {
  test('fills its message from the data', () => {
    const error = new FlyshuttleError('ERR_TIMEOUT', { subject: 'a.b', wanted: 20 })
    expect(error.message).toBe('no reply on a.b within 20 ms')
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', name: 'FlyshuttleError' })
    expect(error.data).toEqual({ subject: 'a.b', wanted: 20 })
  })

  test('says ? for what is missing, and takes $ for what it is', () => {
    expect(new FlyshuttleError('ERR_TIMEOUT', { subject: '$&' }).message).toBe(
      'no reply on $& within ? ms',
    )
  })

  test('has a cause only when one was given', () => {
    const cause = new Error('first')
    expect(new FlyshuttleError('ERR_CLOSED', {}, cause).cause).toBe(cause)
    expect('cause' in new FlyshuttleError('ERR_CLOSED')).toBe(false)
  })

  test('is recognised across two copies of the package', () => {
    const foreign = { [Symbol.for('flyshuttle.error')]: true }
    expect(foreign instanceof FlyshuttleError).toBe(true)
    expect(new FlyshuttleError('ERR_CLOSED') instanceof FlyshuttleError).toBe(true)
    for (const other of [new Error('x'), null, undefined, 'ERR_CLOSED', {}]) {
      expect(other instanceof FlyshuttleError).toBe(false)
    }
  })

  test('comes back from another thread with its own code, message, data and cause', () => {
    const cause = new Error('why')
    const error = FlyshuttleError.revive('E_MINE', 'my words', { x: 1 }, cause)
    expect(error).toMatchObject({ code: 'E_MINE', message: 'my words', data: { x: 1 }, cause })
    expect(error).toBeInstanceOf(FlyshuttleError)
  })

  test('comes back even when its data cannot be turned into text', () => {
    const hostile = { found: Object.create(null), subject: { toString: 5 } }
    expect(FlyshuttleError.revive('E_MINE', 'my words', hostile).data).toBe(hostile)
  })

  test('has a code for each entry of the catalogue that begins with ERR_', () => {
    for (const code of Object.keys(ERROR_CATALOGUE)) expect(code).toMatch(/^ERR_[A-Z_]+$/)
  })
})

group('describe', () => {
  test.each([
    ['a short text', '"a short text"'],
    ['x'.repeat(41), 'a string of 41 characters'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [true, 'true'],
    [undefined, 'undefined'],
    [null, 'null'],
    [12n, '12n'],
    [() => 1, 'a function'],
    [function named() {}, 'a function (named)'],
    [Symbol('s'), 'a symbol (s)'],
    [[1, 2], 'an array of 2'],
    [new Date(0), 'an object (Date)'],
    [Object.create(null), 'an object (no prototype)'],
  ])('calls %o what it is', (value, text) => {
    expect(describe(value)).toBe(text)
  })
})

test('assert throws for what is not so, and only then', () => {
  assert(true, 'fine')
  expect(() => assert(false, 'not fine')).toThrow('flyshuttle assertion failed: not fine')
})
