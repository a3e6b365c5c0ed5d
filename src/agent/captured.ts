// What the wildcards of a pattern stand for in a subject that it matches: `info.tokens`.

const DOT = '.'
const NONE: readonly string[] = Object.freeze([])

/**
 * One entry for each wildcard, in order: for `*` its token, for `>` all the rest, dots included.
 * Both texts are checked, and match.
 *
 * @example
 * capturedTokens('flights.*.>', 'flights.ORD.late.60')   // ['ORD', 'late.60']
 */
export function capturedTokens(pattern: string, subject: string): readonly string[] {
  // Without wildcards a pattern is the subject.
  if (pattern === subject) return NONE
  const captured: string[] = []
  let at = 0
  for (const wanted of pattern.split(DOT)) {
    if (wanted === '>') {
      captured.push(subject.slice(at))
      break
    }
    const dot = subject.indexOf(DOT, at)
    const end = dot === -1 ? subject.length : dot
    if (wanted === '*') captured.push(subject.slice(at, end))
    at = end + 1
  }
  return Object.freeze(captured)
}
