// Where and what was measured; a figure without it is worth nothing.

import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** '2 × AMD EPYC, 4 GiB, linux x64' */
export function machineText() {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${availableParallelism()} × ${model}, ${memory}, ${process.platform} ${process.arch}`
}

/** How many threads can run at the same time. */
export function coreCount() {
  return availableParallelism()
}

/**
 * The commit, with `+dirty` when the tree differs from it; 'unknown' without git. What benchmarks
 * themselves write makes no tree dirty: otherwise only the first of several runs had a commit.
 */
export function commitText() {
  try {
    const commit = git('rev-parse', '--short', 'HEAD')
    const changed = git('status', '--porcelain', '--', ':!bench/results', ':!README.md')
    return changed === '' ? commit : `${commit}+dirty`
  } catch {
    return 'unknown'
  }
}

function git(...words) {
  const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  return execFileSync('git', words, options).trim()
}
