// Threads that add jobs and handle them are ended at random moments, 300 times: no job is lost. The
// soak test does the same 10,000 times.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { VARIANTS } from '../engine/with-engine.js'

const KILLS = 300

async function run(addon: boolean, kills: number, seed: number) {
  const file = fileURLToPath(new URL('./queue-kills.mjs', import.meta.url))
  const child = spawn(process.execPath, [file, String(addon), String(kills), String(seed)])
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}

test('every accepted job is handled, whoever is ended while adding or handling', async () => {
  const seed = Date.now() % 1e9
  const kills = Math.ceil(KILLS / VARIANTS.length)
  const runs = await Promise.all(VARIANTS.map(({ addon }) => run(addon, kills, seed)))
  for (const { code, output } of runs) {
    console.log(output.trim())
    expect(code, output).toBe(0)
    expect(output).toContain(`${kills} passed, 0 failed`)
  }
}, 240_000)
