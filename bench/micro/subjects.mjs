// From a subject to those who listen: what a thread does once per subject, before it remembers the
// answer.

import { checkSubject, subjectMatches, SubjectTrie } from 'flyshuttle/testing'
import { BATCH, caseOf, identity } from './cases.mjs'

const PATTERNS = 1000

/** @returns {import('./cases.mjs').Case[]} */
export function subjectCases() {
  /** @type {SubjectTrie<number>} */
  const trie = new SubjectTrie()
  for (let index = 0; index < PATTERNS; index++) trie.insert(`orders.eu.desk-${index}`, index)
  /** @type {SubjectTrie<number>} */
  const wild = new SubjectTrie()
  for (let index = 0; index < PATTERNS; index++) wild.insert(`orders.*.desk-${index}.>`, index)
  const subjects = Array.from({ length: BATCH }, (_, index) => `orders.eu.desk-${index}`)
  const deep = subjects.map((subject) => `${subject}.new`)
  /** @type {Map<string, number>} */
  const map = new Map(subjects.map((subject, index) => [subject, index]))

  const lengthOf = (index) => subjects[index].length
  return [
    caseOf('subject/map', 'for comparison: a subject looked up in a Map', identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) sum += map.get(subjects[index])
      return sum
    }),
    caseOf('subject/trie', `matched against ${PATTERNS} concrete subjects`, identity, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) sum += trie.match(subjects[index])[0]
      return sum
    }),
    caseOf(
      'subject/trie-wild',
      `matched against ${PATTERNS} patterns like a.*.b.>`,
      identity,
      () => {
        let sum = 0
        for (let index = 0; index < BATCH; index++) sum += wild.match(deep[index])[0]
        return sum
      },
    ),
    caseOf(
      'subject/matches',
      'one subject against one pattern, by the definition',
      () => 1,
      () => {
        let sum = 0
        for (let index = 0; index < BATCH; index++) {
          if (subjectMatches('orders.*.>', subjects[index])) sum++
        }
        return sum
      },
    ),
    caseOf('subject/check', 'checked where it enters the engine', lengthOf, () => {
      let sum = 0
      for (let index = 0; index < BATCH; index++) sum += checkSubject(subjects[index]).length
      return sum
    }),
  ]
}
