import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../examples/large-messages/main.mjs', import.meta.url))

test('reads every frame in place, and leaves no block in use', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN])
  expect(stderr).toBe('')
  expect(stdout).toContain('the viewer saw 300 frames, 0 of them torn')
  expect(stdout).toContain('the recorder keeps frames 297, 298, 299')
  expect(stdout.match(/lease of frames\.camera1, 1048576 bytes/g)).toHaveLength(3)
  expect(stdout).toContain('in use after closing: 0 blocks')
})
