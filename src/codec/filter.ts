// Filters as closures: a parsed filter becomes a tree of functions, one for each rule and word.
//
// Senders ask them about the value that is about to be encoded, receivers about what arrived. For a
// struct both say the same, because each field is compared as it travels; a receiver asks a lazy
// view, which reads the bytes of the fields in question and no other. For plain values the sender
// looks at the value as it was given. Nothing here is compiled from text; where a sender often asks
// about the fields of a struct, `filter-source.ts` puts calls of the same closures into its code.

import type { Headers } from './headers.js'
import {
  readFilter,
  type FilterNode,
  type FilterTest,
  type Operand,
  type Operator,
} from './filter-rule.js'
import type { Fields } from './schema.js'

/** Whether a message passes. `value` is the whole message. */
export type Test = (value: unknown, headers: Headers) => boolean

/** Whether a rule holds for what was found in its place. */
export type Holds = (found: unknown) => boolean

type Read = (value: unknown, headers: Headers) => unknown

/**
 * One filter, ready to be asked.
 *
 * @example
 * const filter = new CompiledFilter(filterText(parseFilter({ price: { gt: 5 } }, 'ticks', null)))
 * filter.test({ price: 9.5 }, NO_HEADERS)      // true
 */
export class CompiledFilter {
  readonly text: string
  /** For values without a schema. */
  readonly test: Test
  readonly #node: FilterNode
  readonly #ofStructs = new Map<number, Test>()

  /** Throws when `text` is none that `filterText` wrote. */
  constructor(text: string) {
    this.text = text
    this.#node = readFilter(text)
    this.test = compile(this.#node, null)
  }

  /**
   * For messages of one struct: their values before encoding, and views of them. What is no object
   * passes: the encoder will say what is wrong with it.
   */
  testOf(typeId: number, fields: Fields): Test {
    let test = this.#ofStructs.get(typeId)
    if (test === undefined) {
      const inner = compile(this.#node, fields)
      test = (value, headers) =>
        typeof value !== 'object' || value === null || inner(value, headers)
      this.#ofStructs.set(typeId, test)
    }
    return test
  }

  /**
   * The same for fields alone, as a JavaScript expression: `valueOf` says how a field is read, and
   * what it calls `h0`, `h1` … is added to `holds`. Null: it asks for headers, too.
   */
  source(fields: Fields, valueOf: (name: string) => string, holds: Holds[]): string | null {
    return sourceOf(this.#node, fields, valueOf, holds)
  }
}

function sourceOf(
  node: FilterNode,
  fields: Fields,
  valueOf: (name: string) => string,
  holds: Holds[],
): string | null {
  if (node[0] === 'header') return null
  if (node[0] === 'value') {
    const found = fieldOf(fields, node[1]) === undefined ? 'undefined' : valueOf(node[1])
    return `h${holds.push(holdsFor(node, fields)) - 1}(${found})`
  }
  if (node[0] === 'not') {
    const source = sourceOf(node[1], fields, valueOf, holds)
    return source === null ? null : `!${source}`
  }
  if (node[0] !== 'and' && node[0] !== 'or') return null
  const sources = node[1].map((part) => sourceOf(part, fields, valueOf, holds))
  return sources.includes(null) ? null : `(${sources.join(node[0] === 'and' ? ' && ' : ' || ')})`
}

function compile(node: FilterNode, fields: Fields | null): Test {
  if (node[0] === 'not') {
    const inner = compile(node[1], fields)
    return (value, headers) => !inner(value, headers)
  }
  if (node[0] === 'and' || node[0] === 'or') {
    const parts = node[1].map((part) => compile(part, fields))
    return node[0] === 'and' ? parts.reduceRight(both) : anyOf(parts)
  }
  const read = readerOf(node, fields)
  const holds = holdsFor(node, fields)
  return (value, headers) => holds(read(value, headers))
}

/** Passes what passes one of the tests; asks no more of them than it must. */
export function anyOf(tests: readonly Test[]): Test {
  return tests.reduceRight(either)
}

function both(rest: Test, first: Test): Test {
  return (value, headers) => first(value, headers) && rest(value, headers)
}

function either(rest: Test, first: Test): Test {
  return (value, headers) => first(value, headers) || rest(value, headers)
}

/** A field as it arrives: rounded, and without the halves of characters that no bytes stand for. */
function holdsFor(node: FilterTest, fields: Fields | null): Holds {
  const [from, path, operator] = node
  const holds = comparison(operator, operandOf(node, fields))
  const type = from === 'value' && fields !== null ? fieldOf(fields, path)?.name : undefined
  if (type === 'f32') {
    return (found) => holds(typeof found === 'number' ? Math.fround(found) : found)
  }
  if (type === 'utf8') {
    return (found) => holds(typeof found === 'string' ? found.toWellFormed() : found)
  }
  return holds
}

function comparison(operator: Operator, operand: FilterTest[3]): Holds {
  const type = typeof operand
  switch (operator) {
    case 'eq':
      return (found) => found === operand
    case 'ne':
      return (found) => found !== operand
    case 'exists':
      return (found) => (found !== undefined) === operand
    case 'in': {
      const wanted = new Set(operand as readonly Operand[])
      return (found) => wanted.has(found as Operand)
    }
    case 'prefix':
      return (found) => typeof found === 'string' && found.startsWith(operand as string)
    case 'gt':
      return (found) => typeof found === type && (found as number) > (operand as number)
    case 'gte':
      return (found) => typeof found === type && (found as number) >= (operand as number)
    case 'lt':
      return (found) => typeof found === type && (found as number) < (operand as number)
    case 'lte':
      return (found) => typeof found === type && (found as number) <= (operand as number)
  }
}

/** What is compared with a rounded field is rounded, too. */
function operandOf([from, path, , operand]: FilterTest, fields: Fields | null): FilterTest[3] {
  const isRounded = from === 'value' && fields !== null && fieldOf(fields, path)?.name === 'f32'
  if (!isRounded) return operand
  const round = (one: Operand): Operand => (typeof one === 'number' ? Math.fround(one) : one)
  return Array.isArray(operand) ? (operand as Operand[]).map(round) : round(operand as Operand)
}

function readerOf([from, path]: FilterTest, fields: Fields | null): Read {
  if (from === 'header') {
    return (_, headers) => (Object.hasOwn(headers, path) ? headers[path] : undefined)
  }
  if (fields !== null) return fieldReader(path, fields)
  const keys = path.split('.')
  const [key] = keys as [string]
  if (keys.length === 1) return (value) => ownOf(value, key)
  return (value) => {
    let found = value
    for (const key of keys) found = ownOf(found, key)
    return found
  }
}

function ownOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}

function fieldOf(fields: Fields, name: string): Fields[string] | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}

function fieldReader(name: string, fields: Fields): Read {
  if (fieldOf(fields, name) === undefined) return () => undefined
  return (value) => (value as Record<string, unknown>)[name]
}
