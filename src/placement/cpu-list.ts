// The kernel's lists of CPUs and nodes: "0-3,8" and back.

import { CPUS_MAX } from '../base/limits.js'

/** Numbers of a list, ascending. What is no list, or beyond every machine, gives none. */
export function parseCpuList(text: string): number[] {
  const numbers = new Set<number>()
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim())
    if (match === null) continue
    const first = Number(match[1])
    const last = Math.min(Number(match[2] ?? first), CPUS_MAX - 1)
    for (let number = first; number <= last; number++) numbers.add(number)
  }
  return [...numbers].sort((a, b) => a - b)
}

/** The shortest list of these numbers; an empty text for none. */
export function formatCpuList(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b)
  const parts: string[] = []
  for (let index = 0; index < sorted.length; index++) {
    const first = sorted[index] as number
    let last = first
    while (sorted[index + 1] === last + 1) last = sorted[++index] as number
    parts.push(first === last ? `${first}` : `${first}-${last}`)
  }
  return parts.join(',')
}
