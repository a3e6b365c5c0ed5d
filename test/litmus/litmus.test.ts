// The litmus tests for a moment each; `npm run test:litmus` takes its time.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('no two threads see what the memory model of the protocol forbids', () => {
  const file = fileURLToPath(new URL('main.mjs', import.meta.url))
  const run = spawnSync(process.execPath, [file, '--seconds', '0.3'], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  expect(run.stdout + run.stderr).toContain('nothing forbidden was seen')
  expect(run.status).toBe(0)
}, 70_000)
