// The patterns that came and went lately, so that a subject can tell whether a change concerns it.
//
// Any change moves the version that all routes are compared with, and a thread may keep thousands.
// Most changes cannot match most subjects, and to see that is far cheaper than to compile a route
// anew. A subject that was last looked at too many changes ago is taken as touched.

import { CHANGES_COMPARED_MAX } from '../base/limits.js'
import { isPattern } from './subject.js'

const DOT = 0x2e
const DOLLAR = 0x24
const STAR = 0x2a
const OPEN = 0x3e

export class RecentChanges {
  /** The last of them, change `n` at index `n % CHANGES_COMPARED_MAX`. */
  readonly #patterns: string[] = []
  readonly #isWild: boolean[] = []
  #count = 0

  /** How many changes there were. */
  get count(): number {
    return this.#count
  }

  /** One more; returns how many there were. */
  note(pattern: string): number {
    const index = this.#count++ % CHANGES_COMPARED_MAX
    this.#patterns[index] = pattern
    this.#isWild[index] = isPattern(pattern)
    return this.#count
  }

  /**
   * Whether what was found for a subject after `epoch` changes, -1 for never, is still right; if
   * so, its epoch is now.
   */
  isCurrent(found: { readonly subject: string; epoch: number }): boolean {
    if (found.epoch === this.#count) return true
    if (found.epoch < 0 || this.hasTouched(found.subject, found.epoch)) return false
    found.epoch = this.#count
    return true
  }

  /** Whether a change after the first `since` may matter to `subject`. */
  hasTouched(subject: string, since: number): boolean {
    if (this.#count - since > CHANGES_COMPARED_MAX) return true
    for (let change = since; change < this.#count; change++) {
      const index = change % CHANGES_COMPARED_MAX
      const pattern = this.#patterns[index] as string
      if (this.#isWild[index] === true ? matches(pattern, subject) : pattern === subject)
        return true
    }
    return false
  }
}

/** `subjectMatches` without an allocation: one walk along both texts. */
export function matches(pattern: string, subject: string): boolean {
  const first = pattern.charCodeAt(0)
  if ((first === STAR || first === OPEN) && subject.charCodeAt(0) === DOLLAR) return false
  let at = 0
  for (let index = 0; index < pattern.length; index++) {
    const code = pattern.charCodeAt(index)
    if (code === OPEN) return at < subject.length
    if (code === STAR) {
      if (at >= subject.length) return false
      while (at < subject.length && subject.charCodeAt(at) !== DOT) at++
    } else if (at < subject.length && subject.charCodeAt(at) === code) at++
    else return false
  }
  return at === subject.length
}
