// What is to become of messages of a subject when there is no room: the option `subjects` of an
// engine, checked, and found again for a subject by every thread.
//
// The first pattern that matches decides; a rule for all other subjects stands at the end. A route
// looks its rule up once, when it is made.

import { checkCount, checkKeys, invalid } from '../base/checks.js'
import { PER_SUBJECT_MAX, SUBJECT_RULES_MAX } from '../base/limits.js'
import { subjectCountersFor } from '../counters/subject-counters.js'
import { checkCompression, type CompressionRules, type PackingRule } from './packing.js'
import { checkPattern, subjectMatches } from './subject.js'

const OVERFLOWS = ['wait', 'reject', 'drop-newest', 'drop-oldest'] as const
export type SubjectOverflow = (typeof OVERFLOWS)[number]

/** How subjects are treated, for all who publish on them. */
export interface SubjectTreatment {
  /**
   * What becomes of a publish that finds no room: 'wait' keeps it in the overflow buffer and throws
   * ERR_BACKPRESSURE when that is full; 'reject' throws at once; 'drop-newest' drops it;
   * 'drop-oldest' keeps it and drops what has waited longest on its subject. What was dropped is
   * counted. Default 'wait'.
   */
  readonly overflow?: SubjectOverflow
  /**
   * How many messages of one subject may wait, with 'drop-oldest'. 1 keeps the last value alone.
   * Default 1024.
   */
  readonly maxPerSubject?: number
}

/** A rule as every thread knows it. */
export interface SubjectRule {
  /** Its place among the rules of the engine. */
  readonly index: number
  readonly pattern: string
  readonly overflow: SubjectOverflow
  readonly maxPerSubject: number
}

/** The rules of an engine, and where what comes of them is counted: plain data for its threads. */
export interface SubjectPolicy {
  readonly rules: readonly SubjectRule[]
  /** Which subjects travel compressed. */
  readonly packing: readonly PackingRule[]
  readonly counts: Int32Array
}

/** The policy of an engine of so many threads; for what throws see the two checks. */
export function policyFor(
  subjects: unknown,
  compression: CompressionRules | undefined,
  threads: number,
): SubjectPolicy {
  const rules = checkSubjects(subjects)
  return {
    rules,
    packing: checkCompression(compression),
    counts: subjectCountersFor(threads, rules.length),
  }
}

/** For subjects that no pattern matches, where there are no other rules. */
export const NO_RULES: readonly SubjectRule[] = [othersAt(0)]

/**
 * The rules of an engine, that for all others last.
 *
 * @throws ERR_OPTION_INVALID, ERR_SUBJECT_INVALID
 */
export function checkSubjects(subjects: unknown): readonly SubjectRule[] {
  if (subjects === undefined) return NO_RULES
  if (typeof subjects !== 'object' || subjects === null || Array.isArray(subjects)) {
    throw invalid('subjects', subjects, 'an object of patterns, each with its options')
  }
  const entries = Object.entries(subjects)
  if (entries.length > SUBJECT_RULES_MAX) {
    throw invalid('subjects', entries.length, `at most ${SUBJECT_RULES_MAX} patterns`)
  }
  const rules = entries.map(([pattern, options], index) => checkRule(pattern, options, index))
  return [...rules, othersAt(rules.length)]
}

function checkRule(pattern: string, options: SubjectTreatment, index: number): SubjectRule {
  checkKeys(`subjects[${pattern}]`, options, ['overflow', 'maxPerSubject'])
  const { overflow = 'wait', maxPerSubject } = options
  if (!OVERFLOWS.includes(overflow)) {
    throw invalid('overflow', overflow, `one of ${OVERFLOWS.join(', ')}`)
  }
  if (maxPerSubject !== undefined && overflow !== 'drop-oldest') {
    throw invalid('maxPerSubject', maxPerSubject, `undefined with overflow: '${overflow}'`)
  }
  return {
    index,
    pattern: checkPattern(pattern),
    overflow,
    maxPerSubject: checkCount('maxPerSubject', maxPerSubject ?? 1024, 1, PER_SUBJECT_MAX),
  }
}

function othersAt(index: number): SubjectRule {
  return { index, pattern: '>', overflow: 'wait', maxPerSubject: 0 }
}

/** The rule for a subject: the first that matches, else the last. */
export function ruleFor(rules: readonly SubjectRule[], subject: string): SubjectRule {
  const last = rules.at(-1) as SubjectRule
  if (rules.length === 1) return last
  return rules.find(({ pattern }) => subjectMatches(pattern, subject)) ?? last
}
