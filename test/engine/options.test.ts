import { describe, expect, test, vi } from 'vitest'
import { SPIN_BUDGET_US, THREADS_MAX } from '../../src/base/limits.js'
import { checkCount } from '../../src/base/checks.js'
import { checkOptions } from '../../src/engine/options.js'

const check = (options: unknown): unknown => checkOptions(options as never)

describe('checkOptions', () => {
  test('has a default for everything', () => {
    expect(checkOptions({})).toMatchObject({
      threads: 1,
      threadsMax: 8,
      ringBytes: undefined,
      addon: 'auto',
      spinUs: 50,
      spinBudgetUs: 100,
      placement: 'auto',
      onError: expect.any(Function),
    })
  })

  test.each([
    [0, 8],
    [4, 8],
    [5, 9],
    [THREADS_MAX - 4, THREADS_MAX],
    [THREADS_MAX - 1, THREADS_MAX],
  ])('leaves places to spare for %i threads', (threads, threadsMax) => {
    expect(checkOptions({ threads }).threadsMax).toBe(threadsMax)
  })

  test.each([
    ['null', null, 'options'],
    ['a number', 5, 'options'],
    ['a list', [], 'options'],
    ['an unknown key', { thread: 1 }, 'thread'],
    ['a fraction of a thread', { threads: 1.5 }, 'threads'],
    ['no number of threads', { threads: null }, 'threads'],
    ['a text of threads', { threads: '2' }, 'threads'],
    ['fewer places than threads', { threads: 4, threadsMax: 4 }, 'threadsMax'],
    ['an addon of another kind', { addon: 'yes' }, 'addon'],
    ['a negative spin', { spinUs: -1 }, 'spinUs'],
    ['an endless spin', { spinUs: Infinity }, 'spinUs'],
    ['a placement of another kind', { placement: 'near' }, 'placement'],
    ['no placement', { placement: null }, 'placement'],
    ['a placement by nothing', { placement: {} }, 'placement'],
    ['a placement by two things', { placement: { cpus: [0], node: 0 } }, 'placement'],
    ['a placement on no CPU', { placement: { cpus: [] } }, 'placement'],
    ['a CPU twice', { placement: { cpus: [1, 1] } }, 'placement'],
    ['a CPU of a negative number', { placement: { cpus: [-1] } }, 'placement'],
    ['a main thread on half a CPU', { placement: { cpus: [1], main: 0.5 } }, 'placement'],
    ['a node by name', { placement: { node: 'far' } }, 'placement'],
    ['an onError that is no function', { onError: {} }, 'onError'],
  ])('refuses %s and names it', (_, options, option) => {
    expect(() => check(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        data: expect.objectContaining({ option }),
      }),
    )
  })

  test.each([{ threads: THREADS_MAX }, { threadsMax: THREADS_MAX + 1 }])(
    'refuses more threads than there may be: %o',
    (options) => {
      expect(() => check(options)).toThrow(expect.objectContaining({ code: 'ERR_THREAD_LIMIT' }))
    },
  )

  test.each([
    [0, 0],
    [1, SPIN_BUDGET_US],
    [SPIN_BUDGET_US + 1, SPIN_BUDGET_US + 1],
  ])('lets a spin of %i µs fit its budget', (spinUs, spinBudgetUs) => {
    expect(checkOptions({ spinUs })).toMatchObject({ spinUs, spinBudgetUs })
  })

  test('prints errors that nobody else is told of', () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { onError } = checkOptions({})
    onError('oops', { subject: 'a.b', thread: 3, agent: '' })
    onError('oops', { subject: 'a.b', thread: 3, agent: 'prices' })
    expect(print.mock.calls.map(([text]) => text)).toEqual([
      '[flyshuttle] thread 3, a.b:',
      '[flyshuttle] agent prices, a.b:',
    ])
    print.mockRestore()
  })
})

test.each([1, 5, 3])('checkCount takes %i between 1 and 5', (value) => {
  expect(checkCount('n', value, 1, 5)).toBe(value)
})

test.each([0, 6, 2.5, Number.NaN, '3', null, undefined, 3n])('checkCount refuses %o', (value) => {
  expect(() => checkCount('n', value, 1, 5)).toThrow(
    /option n is .*; wanted an integer from 1 to 5/,
  )
})
