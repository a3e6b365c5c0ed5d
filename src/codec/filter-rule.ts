// Filters as data: what a user writes, checked and brought into one form.
//
//   { delayMin: { gte: 60 }, or: [{ origin: 'ORD' }, { headers: { tenant: 'acme' } }] }
//
// `subscribe` parses it, once, against the schema where the message has one; the text of the result
// travels in the change log, and every sender reads it back from there. `filter.ts` makes closures
// of it. What must stay true: a tree that was parsed or read is within the limits, so nobody who
// subscribes can make senders work without end.

import { FlyshuttleError, describe } from '../base/errors.js'
import {
  FILTER_BYTES_MAX,
  FILTER_DEPTH_MAX,
  FILTER_LIST_MAX,
  FILTER_NODES_MAX,
  SUBJECT_BYTES_MAX,
} from '../base/limits.js'
import type { FieldType, Fields } from './schema.js'

/** What values are compared with. */
export type Operand = string | number | bigint | boolean | null

/** What is wanted of one field. Several operators must all hold. */
export interface Condition<T = any> {
  readonly eq?: T
  readonly ne?: T
  readonly gt?: T
  readonly gte?: T
  readonly lt?: T
  readonly lte?: T
  readonly in?: readonly T[]
  /** What a text begins with. */
  readonly prefix?: string
  /** Whether there is such a field, with a value other than undefined. */
  readonly exists?: boolean
}

/** A bare value stands for `{ eq: value }`. */
type Wanted<T> = unknown extends T
  ? Condition | Operand
  : Condition<Extract<T, Operand>> | Extract<T, Operand>

interface FilterWords<T> {
  readonly and?: readonly Filter<T>[]
  readonly or?: readonly Filter<T>[]
  readonly not?: Filter<T>
  /** By header name. */
  readonly headers?: { readonly [name: string]: Wanted<string> }
}

interface LooseFilter {
  readonly [path: string]: unknown
}

interface PathRules {
  readonly [path: `${string}.${string}`]: Wanted<any>
}

/** Bytes, lists and bare values have no fields to name. */
type FieldRules<T> = T extends readonly unknown[] | Uint8Array | Operand
  ? unknown
  : { readonly [K in keyof T]?: Wanted<T[K]> }

/**
 * Rules over a message of type `T`; all of them must hold. Keys are fields, or paths such as
 * `user.name` into plain objects.
 */
export type Filter<T = any> = unknown extends T
  ? LooseFilter
  : FilterWords<T> & FieldRules<T> & PathRules

export type Operator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'prefix' | 'exists'

/** The last one is the operand; a list for `in`. */
export type FilterTest = readonly [
  from: 'value' | 'header',
  path: string,
  operator: Operator,
  operand: Operand | readonly Operand[],
]

export type FilterNode =
  | FilterTest
  | readonly ['and', readonly FilterNode[]]
  | readonly ['or', readonly FilterNode[]]
  | readonly ['not', FilterNode]

const OPERATORS = new Set<string>([
  ...['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'prefix', 'exists'],
])
const ORDERED = new Set<string>(['gt', 'gte', 'lt', 'lte'])
const OPERATOR_NAMES = [...OPERATORS].join(', ')

/**
 * Checks what a user wrote. `fields` are those of the message's struct, or null when it has none;
 * `subject` is for messages.
 *
 * @throws ERR_FILTER_INVALID naming the path, what was found and what was wanted
 */
export function parseFilter(given: unknown, subject: string, fields: Fields | null): FilterNode {
  const node = new Parser(subject, fields).rule(given, 'the filter', 1)
  const bytes = filterText(node).length
  if (bytes > FILTER_BYTES_MAX) {
    const data = { subject, path: 'the filter', found: `${bytes} bytes long` }
    throw new FlyshuttleError('ERR_FILTER_INVALID', { ...data, wanted: FILTER_BYTES_MAX })
  }
  return node
}

/** A parsed filter as ASCII text; equal for equal filters. */
export function filterText(node: FilterNode): string {
  const json = JSON.stringify(node, (_, value: unknown) =>
    typeof value === 'bigint' ? { bigint: String(value) } : value,
  )
  return json.replace(/[^\x20-\x7e]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Reads what `filterText` wrote. Throws when it cannot have. */
export function readFilter(text: string): FilterNode {
  if (text.length > FILTER_BYTES_MAX) throw new TypeError('a filter that is too long')
  const node = JSON.parse(text, (_, value: { bigint?: unknown } | null) =>
    typeof value?.bigint === 'string' ? BigInt(value.bigint) : value,
  ) as unknown
  checkRead(node, 1)
  return node as FilterNode
}

/** Each rule may be an `and` of its own, and so may the conditions of a field. */
const NODE_DEPTH_MAX = 2 * FILTER_DEPTH_MAX + 1

function checkRead(node: unknown, depth: number): void {
  if (!Array.isArray(node) || depth > NODE_DEPTH_MAX) throw new TypeError('no filter')
  const [word, second, operator, operand] = node as unknown[]
  if (word === 'not') checkRead(second, depth + 1)
  else if (word === 'and' || word === 'or') {
    if (!Array.isArray(second)) throw new TypeError('no list of rules')
    for (const part of second) checkRead(part, depth + 1)
  } else {
    const isTest = (word === 'value' || word === 'header') && typeof second === 'string'
    const isKnown = OPERATORS.has(operator as string)
    if (!isTest || !isKnown || (operator === 'in') !== Array.isArray(operand)) {
      throw new TypeError('no rule of a filter')
    }
  }
}

class Parser {
  readonly #subject: string
  readonly #fields: Fields | null
  #nodes = 0

  constructor(subject: string, fields: Fields | null) {
    this.#subject = subject
    this.#fields = fields
  }

  rule(given: unknown, where: string, depth: number): FilterNode {
    if (depth > FILTER_DEPTH_MAX) {
      this.#refuse(where, `nested ${depth} deep`, `at most ${FILTER_DEPTH_MAX}`)
    }
    if (!isPlain(given)) return this.#refuse(where, describe(given), 'an object of rules')
    const nodes: FilterNode[] = []
    for (const [key, value] of Object.entries(given)) {
      if (key === 'and' || key === 'or') {
        nodes.push([key, this.#rules(value, key, depth)])
      } else if (key === 'not') nodes.push(['not', this.rule(value, 'not', depth + 1)])
      else if (key === 'headers') this.#headers(value, nodes)
      // A dot in front: a field that bears one of the names above.
      else this.#field(key.startsWith('.') ? key.slice(1) : key, value, nodes)
    }
    return this.#all(nodes, where, 'at least one rule')
  }

  #rules(given: unknown, word: string, depth: number): FilterNode[] {
    if (!Array.isArray(given) || given.length === 0) {
      return this.#refuse(word, describe(given), 'an array of rules')
    }
    return given.map((rule, i) => this.rule(rule, `${word}[${i}]`, depth + 1))
  }

  #headers(given: unknown, nodes: FilterNode[]): void {
    if (!isPlain(given) || Object.keys(given).length === 0) {
      return this.#refuse('headers', describe(given), 'an object of header names')
    }
    for (const [name, wanted] of Object.entries(given)) {
      nodes.push(this.#condition('header', name, wanted, `headers.${name}`, TEXT_TYPE))
    }
  }

  #field(path: string, wanted: unknown, nodes: FilterNode[]): void {
    const isPath = path !== '' && !path.split('.').includes('')
    if (path.length > SUBJECT_BYTES_MAX || (!isPath && this.#fields === null)) {
      this.#refuse(describe(path), 'no path', 'names between dots')
    }
    const fields = this.#fields
    if (fields !== null && !Object.hasOwn(fields, path)) {
      const names = Object.keys(fields)
      const known = `${names.slice(0, 16).join(', ')}${names.length > 16 ? ' …' : ''}`
      this.#refuse(path, 'no field of the message', `one of ${known}`)
    }
    nodes.push(this.#condition('value', path, wanted, path, fields?.[path] ?? null))
  }

  #condition(
    from: FilterTest[0],
    path: string,
    wanted: unknown,
    where: string,
    type: FieldType<unknown> | null,
  ): FilterNode {
    const entries = isPlain(wanted) ? Object.entries(wanted) : [['eq', wanted] as const]
    const tests = entries.map(([operator, operand]): FilterTest => {
      if (++this.#nodes > FILTER_NODES_MAX) {
        this.#refuse('the filter', `more than ${FILTER_NODES_MAX} rules`, 'fewer')
      }
      if (!OPERATORS.has(operator)) this.#refuse(where, `{ ${operator} }`, OPERATOR_NAMES)
      const known = operator as Operator
      return [from, path, known, this.#operand(where, known, operand, type)]
    })
    return this.#all(tests, where, `a value, or an object of ${OPERATOR_NAMES}`)
  }

  #operand(
    where: string,
    operator: Operator,
    operand: unknown,
    type: FieldType<unknown> | null,
  ): Operand | readonly Operand[] {
    const found = (value: unknown): string => `{ ${operator}: ${describe(value)} }`
    if (operator === 'exists') {
      if (typeof operand === 'boolean') return operand
      return this.#refuse(where, found(operand), 'true or false')
    }
    if (operator === 'prefix' && typeof operand !== 'string') {
      return this.#refuse(where, found(operand), 'a string')
    }
    if (operator === 'in') {
      const isList = Array.isArray(operand) && operand.length > 0
      if (!isList || operand.length > FILTER_LIST_MAX) {
        return this.#refuse(where, found(operand), `an array of 1 to ${FILTER_LIST_MAX} values`)
      }
      return (operand as unknown[]).map((value) => this.#scalar(where, operator, value, type))
    }
    return this.#scalar(where, operator, operand, type)
  }

  #scalar(
    where: string,
    operator: Operator,
    value: unknown,
    type: FieldType<unknown> | null,
  ): Operand {
    const wanted = type === null ? wantedOf(operator) : wantedOfType(type, operator)
    if (wanted === null) {
      return this.#refuse(where, `{ ${operator} } on ${type?.name}`, wantedOperators(type))
    }
    if (wanted.fits(value)) return value as Operand
    return this.#refuse(where, `{ ${operator}: ${describe(value)} }`, wanted.text)
  }

  #all(nodes: readonly FilterNode[], where: string, wanted: string): FilterNode {
    const [only] = nodes
    if (only === undefined) return this.#refuse(where, 'empty', wanted)
    return nodes.length === 1 ? only : ['and', nodes]
  }

  #refuse(path: string, found: string, wanted: string): never {
    throw new FlyshuttleError('ERR_FILTER_INVALID', { subject: this.#subject, path, found, wanted })
  }
}

interface WantedOperand {
  readonly text: string
  readonly fits: (value: unknown) => boolean
}

const isNumber = (value: unknown): boolean => Number.isFinite(value)
const isText = (value: unknown): boolean => typeof value === 'string'
const isBig = (value: unknown): boolean => typeof value === 'bigint'
const isFlag = (value: unknown): boolean => typeof value === 'boolean'

const NUMBER: WantedOperand = { text: 'a finite number', fits: isNumber }
const TEXT: WantedOperand = { text: 'a string', fits: isText }
const BIG: WantedOperand = { text: 'a bigint', fits: isBig }
const FLAG: WantedOperand = { text: 'true or false', fits: isFlag }
const COMPARED: WantedOperand = {
  text: 'a finite number, a bigint or a string',
  fits: (value) => isNumber(value) || isText(value) || isBig(value),
}
const SCALAR: WantedOperand = {
  text: 'a finite number, a bigint, a string, true, false or null',
  fits: (value) => COMPARED.fits(value) || isFlag(value) || value === null,
}

/** What headers hold. */
const TEXT_TYPE = { name: 'utf8', options: [] as readonly string[] } as unknown as FieldType<string>

function wantedOf(operator: Operator): WantedOperand {
  if (operator === 'prefix') return TEXT
  return ORDERED.has(operator) ? COMPARED : SCALAR
}

/** Null: the operator says nothing about such a field. */
function wantedOfType(type: FieldType<unknown>, operator: Operator): WantedOperand | null {
  const isOrdered = ORDERED.has(operator)
  const isPrefix = operator === 'prefix'
  switch (type.name) {
    case 'bytes':
      return null
    case 'bool':
      return isOrdered || isPrefix ? null : FLAG
    case 'i64':
    case 'u64':
      return isPrefix ? null : BIG
    case 'ascii':
    case 'utf8':
      return TEXT
    case 'oneOf':
      if (isOrdered) return null
      if (isPrefix) return TEXT
      return {
        text: `one of ${type.options.slice(0, 8).join(', ')}${type.options.length > 8 ? ' …' : ''}`,
        fits: (value) => type.options.includes(value as string),
      }
    default:
      return isPrefix ? null : NUMBER
  }
}

function wantedOperators(type: FieldType<unknown> | null): string {
  const fitting = [...OPERATORS].filter(
    (operator) =>
      operator === 'exists' || type === null || wantedOfType(type, operator as Operator) !== null,
  )
  return fitting.join(', ')
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value) as unknown
  return prototype === Object.prototype || prototype === null
}
