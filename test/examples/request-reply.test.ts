import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test.each(['request-reply', 'streaming'])('%s prints what its README says', async (example) => {
  const fileOf = (name: string): string =>
    fileURLToPath(new URL(`../../examples/${example}/${name}`, import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileOf('main.mjs')])
  const [, printed] = /```text\n([^`]+)```/.exec(readFileSync(fileOf('README.md'), 'utf8')) ?? []
  expect(stderr).toBe('')
  expect(stdout.replace(/ +/g, ' ')).toBe(printed?.replace(/ +/g, ' '))
})
