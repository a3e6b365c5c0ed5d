// Filters against a naive evaluator that reads the user's own rules, on plain values and on structs
// before and after their journey; and what is refused.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import {
  FILTER_BYTES_MAX,
  FILTER_DEPTH_MAX,
  FILTER_HOLDS_MAX,
  FILTER_LIST_MAX,
  FILTER_NODES_MAX,
} from '../../src/base/limits.js'
import { CompiledFilter } from '../../src/codec/filter.js'
import { filteringEmitter, refusalOf } from '../../src/codec/filter-source.js'
import { NO_HEADERS } from '../../src/codec/headers.js'
import { filterText, parseFilter, readFilter } from '../../src/codec/filter-rule.js'
import * as schema from '../../src/codec/schema.js'
import { compileStruct } from '../../src/codec/struct.js'
import { viewsOf } from '../../src/memory/region.js'

type Rules = Record<string, any>

/** The definition, written to be read: straight from what the user wrote. */
function naive(rules: Rules, read: (path: string) => unknown, headers: Rules): boolean {
  return Object.entries(rules).every(([key, wanted]) => {
    if (key === 'and') return wanted.every((part: Rules) => naive(part, read, headers))
    if (key === 'or') return wanted.some((part: Rules) => naive(part, read, headers))
    if (key === 'not') return !naive(wanted, read, headers)
    if (key === 'headers') {
      return Object.entries(wanted).every(([name, condition]) => {
        return holds(condition, headers[name])
      })
    }
    return holds(wanted, read(key.replace(/^\./, '')))
  })
}

function holds(wanted: unknown, found: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return found === wanted
  return Object.entries(wanted).every(([operator, operand]) => {
    if (operator === 'eq') return found === operand
    if (operator === 'ne') return found !== operand
    if (operator === 'in') return (operand as unknown[]).some((one) => one === found)
    if (operator === 'exists') return (found !== undefined) === operand
    if (typeof found !== typeof operand) return false
    if (operator === 'prefix') return (found as string).startsWith(operand as string)
    const [a, b] = [found as number, operand as number]
    if (operator === 'gt') return a > b
    if (operator === 'gte') return a >= b
    return operator === 'lt' ? a < b : a <= b
  })
}

function pathOf(value: unknown, path: string): unknown {
  let found = value
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Rules)[key]
  }
  return found
}

/** How many comparisons the rules name. */
function ruleCount(rules: Rules): number {
  const counts = Object.entries(rules).map(([key, wanted]) => {
    if (key === 'and' || key === 'or') return wanted.map(ruleCount)
    if (key === 'not') return ruleCount(wanted)
    return typeof wanted === 'object' && wanted !== null ? Object.keys(wanted).length : 1
  })
  return counts.flat().reduce((sum: number, count: number) => sum + count, 0)
}

function compiled(rules: unknown, fields: schema.Fields | null = null): CompiledFilter {
  return new CompiledFilter(filterText(parseFilter(rules, 'test', fields)))
}

// Few values and names, so that rules often hold.
const text = fc.constantFrom('', 'a', 'ab', 'b', 'é', '\ud83d', '😀', '__proto__')
const number = fc.constantFrom(-1, 0, 1, 1.5, 1e300)
const big = fc.constantFrom(-1n, 0n, 1n, 2n ** 63n)
const scalar = fc.oneof(text, number, big, fc.boolean(), fc.constant(null))
const ordered = fc.oneof(text, number, big)

/** One or two of the entries: filters are limited in size. */
const someOf = (entries: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Rules> =>
  fc
    .subarray(Object.keys(entries), { minLength: 1, maxLength: 2 })
    .chain((keys) =>
      fc.record(
        Object.fromEntries(keys.map((key) => [key, entries[key] as fc.Arbitrary<unknown>])),
      ),
    )

const condition = (any: fc.Arbitrary<any>, some: fc.Arbitrary<any>): fc.Arbitrary<unknown> =>
  fc.oneof(
    any,
    someOf({
      eq: any,
      ne: any,
      gt: some,
      gte: some,
      lt: some,
      lte: some,
      in: fc.array(any, { minLength: 1, maxLength: 4 }),
      prefix: text,
      exists: fc.boolean(),
    }),
  )

const words = (leaf: fc.Arbitrary<Rules>): fc.Arbitrary<Rules> =>
  fc.letrec<{ rule: Rules }>((tie) => {
    const list = fc.array(tie('rule'), { minLength: 1, maxLength: 2 })
    return {
      rule: fc.oneof(
        { maxDepth: 2 },
        leaf,
        fc.record({ and: list }),
        fc.record({ or: list }),
        fc.record({ not: tie('rule') }),
        fc.tuple(leaf, fc.record({ or: list })).map(([a, b]) => ({ ...a, ...b })),
      ),
    }
  }).rule

const PATHS = ['a', 'b', 'a.b', 'a.b.c', 'list.0', 'constructor', '.and', 'b.length']
const some = { minKeys: 1, maxKeys: 2 }
const onPaths: fc.Arbitrary<Rules> = fc.oneof(
  fc.dictionary(fc.constantFrom(...PATHS), condition(scalar, ordered), some),
  fc
    .dictionary(fc.constantFrom('x', 'y.z'), condition(text, text), some)
    .map((headers) => ({ headers })),
)

const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(scalar, fc.constant(undefined), fc.constant(Number.NaN)),
    fc.record(
      {
        a: tie('value'),
        b: tie('value'),
        c: tie('value'),
        list: fc.array(tie('value')),
        and: text,
      },
      { requiredKeys: [] },
    ),
  ),
})).value

const headers = fc.dictionary(fc.constantFrom('x', 'y.z'), text)

describe('against a naive evaluator', () => {
  test('plain values pass exactly the filters that hold for them', () => {
    let passed = 0
    fc.assert(
      fc.property(words(onPaths), anyValue, headers, (rules, value, given) => {
        const wanted = naive(rules, (path) => pathOf(value, path), given)
        passed += Number(wanted)
        expect(compiled(rules).test(value, given)).toBe(wanted)
      }),
      { numRuns: 2000 },
    )
    // Neither side of the comparison is empty.
    expect(passed).toBeGreaterThan(100)
    expect(passed).toBeLessThan(1900)
  })

  const FIELDS = {
    int: schema.i16,
    rounded: schema.f32,
    exact: schema.f64,
    count: schema.u64,
    flag: schema.bool,
    code: schema.ascii(3),
    name: schema.utf8(12),
    side: schema.oneOf('buy', 'sell'),
    blob: schema.bytes(4),
  }
  const OPERANDS: Record<string, [fc.Arbitrary<any>, string[]]> = {
    int: [fc.constantFrom(-1, 0, 1, 0.5), ['gt', 'gte', 'lt', 'lte']],
    rounded: [fc.constantFrom(0.1, 1, 16777217), ['gt', 'gte', 'lt', 'lte']],
    exact: [fc.constantFrom(0.1, 1, -1), ['gt', 'gte', 'lt', 'lte']],
    count: [fc.constantFrom(0n, 1n, 2n), ['gt', 'gte', 'lt', 'lte']],
    flag: [fc.boolean(), []],
    code: [fc.constantFrom('', 'a', 'ab'), ['gt', 'lte', 'prefix']],
    name: [fc.constantFrom('', 'a', 'é', '\ufffd'), ['gt', 'lte', 'prefix']],
    side: [fc.constantFrom('buy', 'sell'), ['prefix']],
  }
  const onFields: fc.Arbitrary<Rules> = fc.constantFrom(...Object.keys(OPERANDS)).chain((name) => {
    const [operand, more] = OPERANDS[name] as [fc.Arbitrary<unknown>, string[]]
    const rules = Object.fromEntries(['eq', 'ne', ...more].map((word) => [word, operand]))
    const list = fc.array(operand, { minLength: 1, maxLength: 3 })
    return fc
      .oneof(operand, someOf({ ...rules, in: list, exists: fc.boolean() }))
      .map((wanted) => ({ [name]: wanted }))
  })
  const struct = compileStruct('test', FIELDS)
  const trade = fc.record({
    int: fc.constantFrom(-1, 0, 1),
    rounded: fc.constantFrom(0.1, 1, 16777217, Number.NaN),
    exact: fc.constantFrom(0.1, 1, -1, Infinity),
    count: fc.constantFrom(0n, 1n, 2n),
    flag: fc.boolean(),
    code: fc.constantFrom('', 'a', 'ab', 'abc'),
    name: fc.constantFrom('', 'a', 'é', '\ud83d', 'ab'),
    side: fc.constantFrom('buy' as const, 'sell' as const),
    blob: fc.uint8Array({ maxLength: 4 }),
  })

  test('a struct passes before it is encoded, and as bytes, as it does once it is decoded', () => {
    const views = viewsOf(new ArrayBuffer(1024))
    const bound = struct.bind(views)
    const rounded = (rules: Rules): Rules =>
      JSON.parse(
        JSON.stringify(rules, (_, one: unknown) =>
          typeof one === 'bigint' ? { n: String(one) } : one,
        ),
        function (this: unknown, key: string, one: any) {
          if (typeof one?.n === 'string') return BigInt(one.n)
          if (key !== 'rounded') return one
          return JSON.parse(JSON.stringify(one), (_, part: unknown) =>
            typeof part === 'number' ? Math.fround(part) : part,
          )
        },
      )
    let passed = 0
    fc.assert(
      fc.property(words(onFields), trade, (rules, value) => {
        bound.encode(value, 8)
        const arrived = bound.decode(8) as Rules
        const wanted = naive(rounded(rules), (path) => arrived[path], NO_HEADERS)
        passed += Number(wanted)
        const filter = compiled(rules, FIELDS)
        const test = filter.testOf(struct.typeId, struct.fields)
        expect(test(value, NO_HEADERS)).toBe(wanted)
        expect(test(arrived, NO_HEADERS)).toBe(wanted)
        expect(test(bound.view(8), NO_HEADERS)).toBe(wanted)
        bound.expire()
      }),
      { numRuns: 2000 },
    )
    expect(passed).toBeGreaterThan(100)
    expect(passed).toBeLessThan(1900)
  })

  test('a sender’s own code asks the same, of the message and of its fields', () => {
    const names = ['side', ...Object.keys(FIELDS).filter((name) => name !== 'side')]
    const lane = () => ({
      i32: new Int32Array(1),
      versionIndex: 0,
      gate: new Int32Array(1),
      route: { destinations: [{}] },
      kept: { value: undefined as unknown },
    })
    const WRITTEN = 1
    let shown = 0
    let passed = 0
    fc.assert(
      fc.property(
        fc.array(words(onFields), { minLength: 1, maxLength: 2 }),
        trade,
        (all, value) => {
          const filters = all.map((rules) => compiled(rules, FIELDS))
          const own = lane()
          const emit = filteringEmitter(filters, struct.fields, { ...own, emit: () => WRITTEN })
          const refuses = refusalOf(filters, struct.fields, names)
          if (emit === null || refuses === null) {
            expect(all.map((rules) => ruleCount(rules)).reduce((a, b) => a + b)).toBeGreaterThan(
              FILTER_HOLDS_MAX,
            )
            return
          }
          shown++
          const isWanted = filters.some((filter) =>
            filter.testOf(struct.typeId, struct.fields)(value, NO_HEADERS),
          )
          passed += Number(isWanted)
          const given = names.map((name) => (value as Rules)[name])
          expect(emit(value, 0) === WRITTEN).toBe(isWanted)
          expect(refuses(...given)).toBe(!isWanted)
          own.route.destinations = []
          expect(emit(value, 0)).toBe(-1)
          expect(own.kept.value).toBe(value)
        },
      ),
      { numRuns: 300 },
    )
    expect(shown).toBeGreaterThan(200)
    expect(passed).toBeGreaterThan(30)
    expect(passed).toBeLessThan(shown - 30)
  })

  test('a sender’s own code asks for no headers, and for few rules only', () => {
    const many = (count: number) => ({ or: Array.from({ length: count }, (_, int) => ({ int })) })
    const asked = (rules: Rules) => refusalOf([compiled(rules, FIELDS)], FIELDS, ['int'])
    expect(asked({ int: 1 })).not.toBeNull()
    expect(asked({ int: 1, headers: { x: 'a' } })).toBeNull()
    expect(asked({ not: { or: [{ int: 1 }, { headers: { x: 'a' } }] } })).toBeNull()
    expect(asked(many(FILTER_HOLDS_MAX))).not.toBeNull()
    expect(asked(many(FILTER_HOLDS_MAX + 1))).toBeNull()
  })

  test('a struct has the fields of its schema, whatever else the value holds', () => {
    const filter = compiled({ more: 1 })
    expect(filter.test({ more: 1 }, NO_HEADERS)).toBe(true)
    expect(filter.testOf(struct.typeId, struct.fields)({ more: 1 }, NO_HEADERS)).toBe(false)
    const none = compiled({ toString: { exists: true } })
    expect(none.test({}, NO_HEADERS)).toBe(false)
    expect(none.testOf(struct.typeId, struct.fields)({}, NO_HEADERS)).toBe(false)
  })

  test('what is no object is left for the encoder to refuse', () => {
    const test = compiled({ int: 1 }, FIELDS).testOf(struct.typeId, struct.fields)
    expect([null, undefined, 7].map((value) => test(value, NO_HEADERS))).toEqual([true, true, true])
  })
})

describe('as text', () => {
  test('a filter is ASCII, and reads back as it was', () => {
    fc.assert(
      fc.property(words(onPaths), (rules) => {
        const node = parseFilter(rules, 'test', null)
        const written = filterText(node)
        expect(written).toMatch(/^[\x20-\x7e]*$/)
        expect(readFilter(written)).toEqual(node)
      }),
    )
  })

  test.each([
    ['', 'null', '7', '[]', '["or",7]', '["not"]', '["value","a"]', '["value",1,"eq",1]'],
    [
      '["value","a","like",1]',
      '["value","a","in",1]',
      '["value","a","eq",[1]]',
      '["x","a","eq",1]',
    ],
    ['["value","a","eq",{"bigint":"x"}]', `["or",[${'['.repeat(99)}`, ' '.repeat(9999)],
  ])('what no filter was written as is not read: %s', (...texts) => {
    for (const written of texts) expect(() => readFilter(written)).toThrow()
  })
})

describe('what is refused', () => {
  const nested = (depth: number): Rules => (depth === 1 ? { a: 1 } : { not: nested(depth - 1) })
  const many = (count: number): Rules => ({ or: Array.from({ length: count }, (_, a) => ({ a })) })
  const list = (count: number): Rules => ({ a: { in: Array.from({ length: count }, (_, i) => i) } })
  const FIELDS = {
    delayMin: schema.i16,
    at: schema.i64,
    late: schema.bool,
    origin: schema.ascii(3),
    side: schema.oneOf('buy', 'sell'),
    blob: schema.bytes(3),
  }

  const PLAIN: [rules: unknown, path: string, found: string, wanted: string][] = [
    [null, 'the filter', 'null', 'an object of rules'],
    ['a', 'the filter', '"a"', 'an object of rules'],
    [[{ a: 1 }], 'the filter', 'an array of 1', 'an object of rules'],
    [new Map(), 'the filter', 'an object (Map)', 'an object of rules'],
    [{}, 'the filter', 'empty', 'at least one rule'],
    [{ and: [] }, 'and', 'an array of 0', 'an array of rules'],
    [{ or: { a: 1 } }, 'or', 'an object (Object)', 'an array of rules'],
    [{ or: [{ a: 1 }, {}] }, 'or[1]', 'empty', 'at least one rule'],
    [{ not: [] }, 'not', 'an array of 0', 'an object of rules'],
    [{ a: {} }, 'a', 'empty', 'a value, or an object of eq, ne'],
    [{ a: { like: 'x' } }, 'a', '{ like }', 'eq, ne, gt, gte, lt, lte, in, prefix, exists'],
    [{ a: undefined }, 'a', '{ eq: undefined }', 'a finite number, a bigint'],
    [{ a: [1] }, 'a', '{ eq: an array of 1 }', 'a finite number'],
    [{ a: Number.NaN }, 'a', '{ eq: NaN }', 'a finite number'],
    [{ a: () => true }, 'a', '{ eq: a function (a) }', 'a finite number'],
    [{ a: { gt: null } }, 'a', '{ gt: null }', 'a finite number, a bigint or a string'],
    [{ a: { gte: true } }, 'a', '{ gte: true }', 'a finite number, a bigint or a string'],
    [{ a: { lt: new Date(0) } }, 'a', '{ lt: an object (Date) }', 'a finite number'],
    [{ a: { in: [] } }, 'a', '{ in: an array of 0 }', 'an array of 1 to 256'],
    [{ a: { in: 'abc' } }, 'a', '{ in: "abc" }', 'an array of 1 to 256'],
    [{ a: { in: [1, {}] } }, 'a', '{ in: an object (Object) }', 'a finite number'],
    [{ a: { prefix: 1 } }, 'a', '{ prefix: 1 }', 'a string'],
    [{ a: { exists: 1 } }, 'a', '{ exists: 1 }', 'true or false'],
    [{ 'a..b': 1 }, '"a..b"', 'no path', 'names between dots'],
    [{ '': 1 }, '""', 'no path', 'names between dots'],
    [{ headers: {} }, 'headers', 'an object (Object)', 'an object of header names'],
    [{ headers: 'x' }, 'headers', '"x"', 'an object of header names'],
    [{ headers: { x: 1 } }, 'headers.x', '{ eq: 1 }', 'a string'],
    [nested(FILTER_DEPTH_MAX + 1), 'not', 'nested 9 deep', 'at most 8'],
    [many(FILTER_NODES_MAX + 1), 'the filter', 'more than 64 rules', 'fewer'],
    [list(FILTER_LIST_MAX + 1), 'a', '{ in: an array of 257 }', 'an array of 1 to 256 values'],
    [{ a: 'x'.repeat(FILTER_BYTES_MAX) }, 'the filter', 'bytes long', '3072'],
  ]

  const TYPED: typeof PLAIN = [
    [{ delay: 1 }, 'delay', 'no field of the message', 'one of delayMin, at, late, origin, side'],
    [{ 'origin.x': 1 }, 'origin.x', 'no field of the message', 'one of delayMin'],
    [{ toString: { exists: true } }, 'toString', 'no field of the message', 'one of delayMin'],
    [{ delayMin: '60' }, 'delayMin', '{ eq: "60" }', 'a finite number'],
    [{ delayMin: { gte: 60n } }, 'delayMin', '{ gte: 60n }', 'a finite number'],
    [{ delayMin: { prefix: '6' } }, 'delayMin', '{ prefix } on i16', 'eq, ne, gt, gte, lt'],
    [{ at: { gt: 5 } }, 'at', '{ gt: 5 }', 'a bigint'],
    [{ late: { gt: true } }, 'late', '{ gt } on bool', 'eq, ne, in, exists'],
    [{ late: 1 }, 'late', '{ eq: 1 }', 'true or false'],
    [{ origin: null }, 'origin', '{ eq: null }', 'a string'],
    [{ side: 'hold' }, 'side', '{ eq: "hold" }', 'one of buy, sell'],
    [{ side: { in: ['buy', 'hold'] } }, 'side', '{ in: "hold" }', 'one of buy, sell'],
    [{ side: { lt: 'c' } }, 'side', '{ lt } on oneOf', 'eq, ne, in, prefix, exists'],
    [{ blob: 'x' }, 'blob', '{ eq } on bytes', 'exists'],
  ]

  function thrownFor(rules: unknown, fields: schema.Fields | null): FlyshuttleError {
    try {
      parseFilter(rules, 'flights.*', fields)
    } catch (error) {
      if (error instanceof FlyshuttleError) return error
      throw error
    }
    throw new Error('it was taken')
  }

  test.each([
    ...PLAIN.map(([rules, ...said]) => [...said, rules, null] as const),
    ...TYPED.map(([rules, ...said]) => [...said, rules, FIELDS] as const),
  ])('%s is %s; wanted %s', (path, found, wanted, rules, fields) => {
    const { code, data, message } = thrownFor(rules, fields)
    expect(code).toBe('ERR_FILTER_INVALID')
    expect(data['path']).toBe(path)
    expect(data['found']).toContain(found)
    expect(String(data['wanted'])).toContain(wanted)
    expect(message).toMatch(/^filter of flights\.\*: /)
  })

  test('what is just within the limits is taken', () => {
    expect(() => compiled(nested(FILTER_DEPTH_MAX))).not.toThrow()
    expect(() => compiled(many(FILTER_NODES_MAX))).not.toThrow()
    expect(() => compiled(list(FILTER_LIST_MAX))).not.toThrow()
    const wide = (depth: number): Rules =>
      depth === 0 ? { a: { gt: 1, lt: 3 }, b: 1 } : { b: 1, not: wide(depth - 1) }
    expect(() => compiled(wide(FILTER_DEPTH_MAX - 1))).not.toThrow()
    expect(compiled({ at: 5n, blob: { exists: true } }, FIELDS)).toBeDefined()
  })
})
