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

/** Whether nobody wants the message of these fields. False may also mean: ask another way. */
export type Refuses = (...fields: unknown[]) => boolean

/** What filters ask: an expression that holds for what one of them lets through. */
interface Question {
  readonly source: string
  readonly holds: readonly Holds[]
}

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
  const asked = questionOf(filters, fields, (name) => `value[${JSON.stringify(name)}]`)
  if (asked === null) return null
  return compiled(
    asked,
    lane,
    `const { emit, kept } = lane
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

/** The same for fields as arguments, in the order of `names`. */
export function refusalOf(
  filters: readonly CompiledFilter[] | null,
  fields: Fields,
  names: readonly string[],
  lane: FilterLane,
): Refuses | null {
  if (filters === null) return null
  const asked = questionOf(filters, fields, (name) => `v${names.indexOf(name)}`)
  if (asked === null) return null
  return compiled(
    asked,
    lane,
    `return function refuses(${names.map((_, i) => `v${i}`).join(', ')}) {
return i32[versionIndex] === gate[0] && route.destinations === destinations
&& !(${asked.source})
}`,
  ) as Refuses
}

function compiled({ holds }: Question, lane: FilterLane, body: string): unknown {
  const source = `'use strict'
const { i32, versionIndex, gate, route } = lane
const { destinations } = route
const [${holds.map((_, i) => `h${i}`).join(', ')}] = holds
${body}
//# sourceURL=flyshuttle-filter-${made++}.js`
  return new Function('lane', 'holds', source)(lane, holds)
}

function questionOf(
  filters: readonly CompiledFilter[] | null,
  fields: Fields,
  valueOf: (name: string) => string,
): Question | null {
  if (made >= EMITTERS_MAX) return null
  const holds: Holds[] = []
  const sources: string[] = []
  for (const filter of filters ?? []) {
    const source = filter.source(fields, valueOf, holds)
    if (source === null || holds.length > FILTER_HOLDS_MAX) return null
    sources.push(source)
  }
  return { source: filters === null ? 'true' : sources.join(' || '), holds }
}
