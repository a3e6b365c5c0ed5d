// Runs one of the programs of kills (`queue-kills.mjs`, `loan-kills.mjs`, `stream-kills.mjs`) in
// both variants at once, and holds that none of its kills failed. It prints its seed;
// FLYSHUTTLE_SEED repeats it.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { VARIANTS } from '../engine/with-engine.js'

/** @param kills of all variants together */
export async function runKills(program: string, kills: number): Promise<void> {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const seed = Number(process.env['FLYSHUTTLE_SEED'] ?? Date.now() % 1e9)
  const each = Math.ceil(kills / VARIANTS.length)
  const runs = VARIANTS.map(({ addon }) => run([file, String(addon), `${each}`, `${seed}`]))
  for (const { code, output } of await Promise.all(runs)) {
    console.log(output.trim())
    expect(code, output).toBe(0)
    expect(output).toContain(`${each} passed, 0 failed`)
  }
}

async function run(args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}
