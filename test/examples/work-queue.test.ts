import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../examples/work-queue/main.mjs', import.meta.url))

test('draws what can be drawn, though a worker dies, and keeps what cannot', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN])
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'asked for picture 1 again: duplicate',
    'drawn: 11 pictures; picture 5 at the second attempt',
    'given up after 3 attempts: picture 7 is no picture',
  ])
})
