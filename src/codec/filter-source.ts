// Filters on the fields of one struct as straight code, for senders that ask them very often.
//
// For { flags: { lt: 25 } } in front of an emitter, and of a bound publisher, it reads in essence:
//
//   look(value, agent)      if the gate is shut, or the routes are others: keep value; return -1
//                           if (!(h0(value["flags"]))) return 0
//                           return emit(value, agent)
//   refuses(v0, v1)         the gate is open, the routes are the same, and !(h0(v1))
//
// h0 is the closure that compares, so what a filter means is said in `filter.ts` alone, and no
// operand gets into the source. It is the only closure of its source (a number makes that unique):
// V8 folds in the field's place, the comparison and the gate.

import { EMITTERS_MAX, FILTER_HOLDS_MAX } from '../base/limits.js'
import type { CompiledFilter, Holds } from './filter.js'
import type { Fields } from './schema.js'
import type { Emit } from './struct.js'

/** When an answer may be given at once: as long as nothing has changed since it was compiled. */
export interface FilterLane {
  readonly i32: Int32Array
  readonly versionIndex: number
  /** Word 0: the shared version for which the way is open. */
  readonly gate: Int32Array
  /** Its receivers are replaced, never changed. */
  readonly route: { readonly destinations: unknown }
}

/** Whether nobody wants the message of these fields. */
export type Refuses = (...fields: unknown[]) => boolean

/** What filters ask: an expression that holds for what one of them lets through. */
export interface Question {
  readonly source: string
  /** Statements that bind what it uses, out of a local `holds`. */
  readonly bindings: string
  readonly holds: readonly Holds[]
}

const ALL: Question = { source: 'true', bindings: '', holds: [] }

/** By all engines of this thread. */
let made = 0

/**
 * An emitter that asks first; null where that cannot be said in short. 0: nobody wants it. Null
 * filters let everything through.
 */
export function filteringEmitter(
  filters: readonly CompiledFilter[] | null,
  fields: Fields,
  lane: FilterLane & { readonly emit: Emit; readonly kept: { value: unknown } },
): Emit | null {
  const asked = questionOfValue(filters, fields)
  if (asked === null) return null
  return compiled(
    asked,
    lane,
    `const { i32, versionIndex, gate, route, emit, kept } = lane
const { destinations } = route
return function look(value, agent) {
if (i32[versionIndex] !== gate[0] || route.destinations !== destinations) {
kept.value = value
return -1
}
if (typeof value === 'object' && value !== null && !(${asked.source})) return 0
return emit(value, agent)
}`,
  ) as Emit
}

/** Whether they let nothing of a message through, by its fields in the order of `names`. */
export function refusalOf(
  filters: readonly CompiledFilter[],
  fields: Fields,
  names: readonly string[],
): Refuses | null {
  const asked = questionOf(filters, fields, (name) => `v${names.indexOf(name)}`)
  if (asked === null) return null
  const parameters = names.map((_, i) => `v${i}`).join(', ')
  const body = `return function refuses(${parameters}) { return !(${asked.source}) }`
  return compiled(asked, {}, body) as Refuses
}

function compiled({ holds, bindings }: Question, lane: object, body: string): unknown {
  const source = `'use strict'
${bindings}
${body}
//# sourceURL=flyshuttle-filter-${made++}.js`
  return new Function('lane', 'holds', source)(lane, holds)
}

/** What is asked of `value`; null where that cannot be said in short. */
export function questionOfValue(
  filters: readonly CompiledFilter[] | null,
  fields: Fields,
): Question | null {
  return questionOf(filters, fields, (name) => `value[${JSON.stringify(name)}]`)
}

/** What is asked of the fields that `valueOf` reads; null where that cannot be said in short. */
export function questionOf(
  filters: readonly CompiledFilter[] | null,
  fields: Fields,
  valueOf: (name: string) => string,
): Question | null {
  if (filters === null) return ALL
  if (made >= EMITTERS_MAX) return null
  const holds: Holds[] = []
  const sources: string[] = []
  for (const filter of filters) {
    const source = filter.source(fields, valueOf, holds)
    if (source === null || holds.length > FILTER_HOLDS_MAX) return null
    sources.push(source)
  }
  const names = holds.map((_, i) => `h${i}`).join(', ')
  return { source: sources.join(' || '), bindings: `const [${names}] = holds`, holds }
}
