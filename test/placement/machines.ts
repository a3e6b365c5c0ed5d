// Machines that these tests do not have: sysfs, procfs and control groups as text.
//
// Each line of test/fixtures/machines/*.txt is a file and what is in it. `cpu{0-3}` stands for four
// files with the same text, `\n` and `\t` for what they mean everywhere.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { parseCpuList } from '../../src/placement/cpu-list.js'

const roots: string[] = []

afterAll(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true })
})

/** The root folder of a machine, to be read as `/`. It is removed after the tests of the file. */
export function machine(name: string): string {
  const fixture = new URL(`../fixtures/machines/${name}.txt`, import.meta.url)
  return expand(readFileSync(fileURLToPath(fixture), 'utf8'))
}

export function expand(text: string): string {
  const root = mkdtempSync(join(tmpdir(), 'flyshuttle-machine-'))
  roots.push(root)
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [path = '', ...content] = line.split(' = ')
    for (const file of filesOf(path)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), unescape(content.join(' = ')))
    }
  }
  return root
}

function filesOf(path: string): string[] {
  const list = /\{([^}]*)\}/.exec(path)
  if (list === null) return [path]
  return parseCpuList(list[1] as string).map((cpu) => path.replace(list[0], `${cpu}`))
}

function unescape(text: string): string {
  return text.replaceAll('\\n', '\n').replaceAll('\\t', '\t')
}
