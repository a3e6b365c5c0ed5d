// An engine that has nothing to do costs next to nothing. What is measured is CPU time of a process
// of its own, so a machine that is busy with other things does not change the verdict.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { VARIANTS } from './with-engine.js'

const AGENTS = 50
const SECONDS = 10
/** 1 % of a core. */
const CPU_US_MAX = SECONDS * 10_000

interface Idled {
  readonly cpuUs: number
  readonly agents: number
  readonly heard: number
}

async function idle(addon: boolean): Promise<Idled> {
  const file = fileURLToPath(new URL('../fixtures/idle-engine.mjs', import.meta.url))
  const args = ['--no-memory-reducer', file, String(addon), String(AGENTS), String(SECONDS)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  return JSON.parse(stdout) as Idled
}

describe.concurrent.each(VARIANTS)('$name', ({ addon }) => {
  test('50 idle agents on five threads use less than 1 % of a core', async () => {
    const { cpuUs, agents, heard } = await idle(addon)
    console.log(`${addon ? 'addon' : 'portable'}: ${(cpuUs / SECONDS / 10_000).toFixed(2)} %`)
    expect({ agents, heard }).toEqual({ agents: AGENTS, heard: 1 })
    expect(cpuUs).toBeLessThan(CPU_US_MAX)
  }, 90_000)
})
