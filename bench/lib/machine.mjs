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

/** The commit, with `+dirty` when the tree differs from it; 'unknown' without git. */
export function commitText() {
  try {
    const commit = git('rev-parse', '--short', 'HEAD')
    return git('status', '--porcelain') === '' ? commit : `${commit}+dirty`
  } catch {
    return 'unknown'
  }
}

function git(...words) {
  const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  return execFileSync('git', words, options).trim()
}
