// Every pattern at once for a few seconds: everything arrives. The soak test does it for minutes,
// and looks at the memory.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { VARIANTS } from '../engine/with-engine.js'

test.each(VARIANTS)(
  'every pattern at once, $name: nothing is lost',
  async ({ addon }) => {
    const file = fileURLToPath(new URL('./mixed.mjs', import.meta.url))
    const options = JSON.stringify({ addon, seconds: 3 })
    const child = spawn(process.execPath, ['--expose-gc', file, options])
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk))
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    expect(code, output).toBe(0)
    expect(output).toMatch(/[1-9]\d* passed, 0 failed\n$/)
  },
  120_000,
)
