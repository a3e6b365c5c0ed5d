// A thread dies at every step that the protocol has: here at a quarter of them, in `npm run
// test:soak` at all, in every way. `run.mjs` tells how; each variant is a process of its own.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { VARIANTS } from '../engine/with-engine.js'

interface Point {
  readonly file: string
  readonly function: string
  /** How often the victim passed it. */
  readonly fresh: number
  readonly later: number
}

const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-fail-points-report-'))
afterAll(() => rmSync(folder, { recursive: true }))

/**
 * What no victim here does. Thread 0 alone writes the change log, lets others join, and reads
 * counters: its death is the end of the process. A channel has no engine, and threads that join
 * die in `test/engine/join.test.ts`.
 */
const OF_OTHERS = [
  /^routing\/change-log\.js ChangeLogWriter\./,
  /^counters\/(counter\.js readCount|snapshot\.js )/,
  /^engine\/(join|reception|stats)\.js /,
  /^channel\//,
  // No link here is corrupt, and none has more in blocks under way than it may.
  /^ring\/ring\.js RingReader\.#refuse/,
  /^link\/chunk-pool\.js ChunkPool\.awaitReceived/,
  // Whoever dies repairs nothing; lanes are thread 0's; pausing outlives who does it; and no letter
  // of a dead job is refused here.
  /^ring\/queue-signals\.js QueueSignals\.(isPaused|forgetDead)/,
  /^ring\/job-ledger\.js (addLane|JobLedger\.keepDead)/,
]

async function run(variant: string): Promise<{ code: number | null; output: string }> {
  const file = fileURLToPath(new URL('./run.mjs', import.meta.url))
  const args = ['--variant', variant, '--quick', '--json', reportOf(variant)]
  const child = spawn(process.execPath, [file, ...args])
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}

function reportOf(variant: string): string {
  return join(folder, `${variant}.json`)
}

test('a thread that dies at any step harms nobody, and its successor works', async () => {
  const runs = await Promise.all(VARIANTS.map(({ name }) => run(name)))
  for (const { code, output } of runs) {
    console.log(output.trim().split('\n').slice(-2).join('\n'))
    expect(code, output).toBe(0)
  }
  const passes = new Map<string, number>()
  for (const { name } of VARIANTS) {
    const { points } = JSON.parse(readFileSync(reportOf(name), 'utf8')) as { points: Point[] }
    for (const { file, function: owner, fresh, later } of points) {
      const key = `${file} ${owner}`
      passes.set(key, (passes.get(key) ?? 0) + fresh + later)
    }
  }
  const neverPassed = [...passes].filter(([, count]) => count === 0).map(([name]) => name)
  expect(neverPassed.filter((name) => !OF_OTHERS.some((others) => others.test(name)))).toEqual([])
}, 240_000)
