// Holds what the agents found against what the plain loop found: every single value, exactly.

/** @typedef {{ path: string, expected: unknown, found: unknown }} Difference */

/**
 * Compares two trees of plain data and Maps value by value, both ways: what only one side has is a
 * difference too.
 *
 * @param {unknown} reference
 * @param {unknown} result
 * @returns {{ checked: number, differences: Difference[] }}
 * @example compare({ sum: 3 }, { sum: 4 }) // { checked: 1, differences: [{ path: 'sum', … }] }
 */
export function compare(reference, result) {
  const expected = new Map(leavesOf(reference))
  const found = new Map(leavesOf(result))
  const paths = new Set([...expected.keys(), ...found.keys()])
  const differences = [...paths]
    .map((path) => ({ path, expected: expected.get(path), found: found.get(path) }))
    .filter((pair) => !Object.is(pair.expected, pair.found))
  return { checked: paths.size, differences }
}

/**
 * @param {unknown} value
 * @param {string} path
 * @returns {Generator<[path: string, value: unknown]>}
 */
function* leavesOf(value, path = '') {
  if (typeof value !== 'object' || value === null) {
    yield [path, value]
    return
  }
  const entries = value instanceof Map ? value : Object.entries(value)
  for (const [key, inner] of entries) yield* leavesOf(inner, path === '' ? key : `${path}.${key}`)
}
