// Who wants a message, by the filters of a route: asked by the sender before anything is encoded,
// and kept with a message that has to wait, whose value is gone by then.
//
// A thread's plain subscriptions share a frame, so asking stops at the first one that wants it; the
// receiver decides for each of them. Where a mailbox is full, all are asked: only who wants the
// message may hold it back. Members of queue groups and responders are chosen one by one,
// so all of theirs are asked. What must stay true: reading a value may run its getters, so nothing
// here is kept between two messages.

import type { CompiledFilter } from '../codec/filter.js'
import type { Headers } from '../codec/headers.js'
import type { Message } from '../codec/message.js'
import type { Group } from './group.js'
import { LoanedBlock } from './loaned.js'
import type { Route } from './route-table.js'
import { isUint8Array } from 'node:util/types'

/**
 * The filters that were asked and let the message pass, by their text: while the message waits, a
 * filter may be compiled anew. One that was not asked belongs to somebody who came later than the
 * message.
 */
export type Passed = ReadonlySet<string>

/** For routes without filters. */
export const NONE_ASKED: Passed = new Set()

/** Whether a receiver with these filters, any of which will do, gets the message. */
export function wants(filters: readonly CompiledFilter[] | null, passed: Passed): boolean {
  return filters === null || filters.some(({ text }) => passed.has(text))
}

/** Whether one of a group gets the message. */
export function isWanted({ members }: Group, passed: Passed): boolean {
  return members.some(({ filters }) => wants(filters, passed))
}

/** Asks the filters of a route, if it has any. Null: nobody wants the message. */
export function ask(
  route: Route,
  message: Message<unknown> | null,
  value: unknown,
  headers: Headers,
  i32: Int32Array,
): Passed | null {
  if (!route.isFiltered) return NONE_ASKED
  const asked = fieldsOf(value)
  const passed = new Set<string>()
  const refused = new Set<string>()
  const passes = (filter: CompiledFilter): boolean => {
    const { text } = filter
    if (passed.has(text)) return true
    if (refused.has(text)) return false
    const isPassing = testOf(filter, message)(asked, headers)
    ;(isPassing ? passed : refused).add(text)
    return isPassing
  }
  let isWanted = false
  for (const { link, asked, filters } of route.destinations) {
    if (filters === null || filters.some(passes)) isWanted = true
    if (i32[link.fullIndex] !== 0) asked.forEach(passes)
  }
  const { groups, responders } = route
  for (const { members } of responders === null ? groups : [...groups, responders]) {
    for (const { filters } of members) {
      if (filters === null || filters.filter(passes).length > 0) isWanted = true
    }
  }
  return isWanted ? passed : null
}

/**
 * The filters that were not asked about a message, or refused it, on threads that get it anyway.
 * While it waits, whoever wanted it there may go; those who stay decide when they have it.
 */
export function leftToReceivers({ isFiltered, destinations }: Route, passed: Passed): Passed {
  if (!isFiltered) return NONE_ASKED
  const left = new Set<string>()
  for (const { asked, filters } of destinations) {
    if (!wants(filters, passed)) continue
    for (const { text } of asked) if (!passed.has(text)) left.add(text)
  }
  return left
}

/**
 * What filters are shown of a value. Raw bytes have no fields, whichever way they came to be here
 * and however they will be read: every path is absent there.
 */
function fieldsOf(value: unknown): unknown {
  return isUint8Array(value) || value instanceof LoanedBlock ? undefined : value
}

function testOf(filter: CompiledFilter, message: Message<unknown> | null): CompiledFilter['test'] {
  const struct = message === null ? null : message.struct
  return struct === null ? filter.test : filter.testOf(struct.typeId, struct.fields)
}
