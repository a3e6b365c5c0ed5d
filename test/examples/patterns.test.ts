// The small examples, one for each pattern, as a user runs them.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

/** What the README of an example says that it prints: the indented lines after the command. */
async function promised(name: string): Promise<string> {
  const readme = await readFile(`${EXAMPLES}${name}/README.md`, 'utf8')
  const blocks = readme.match(/(?:^ {4}.*\n)+/gm) ?? []
  return (blocks[1] ?? '').replace(/^ {4}/gm, '')
}

test.each(['dead-letters', 'compression'])('%s prints what its README says', async (name) => {
  const main = `${EXAMPLES}${name}/main.mjs`
  expect(existsSync(main)).toBe(true)
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [main], { timeout: 30_000 }, (error, out) =>
      error === null ? resolve(out) : reject(error),
    )
  })
  expect(stdout).toBe(await promised(name))
})
