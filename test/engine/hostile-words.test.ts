// A peer that writes anything into any shared word of a live engine. What may happen: a link
// closes, its frames are wrong, lost or repeated, a wake is late. What may not: the process ends, a
// request does not settle, `close()` does not return, an error that is in no catalogue, or (for
// words of one thread and its links) traffic between others that is not whole.
//
// A child process does it (test/fixtures/hostile-words.mjs), an engine for each word; silence for
// too long is a hang. FLYSHUTTLE_STRESS=1 and up tries all values on each word, else some of them.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { VARIANTS } from './with-engine.js'

const seed = Number(process.env['FLYSHUTTLE_SEED'] ?? Date.now() % 0x7fff_ffff)
const valuesPerWord = process.env['FLYSHUTTLE_STRESS'] === undefined ? 3 : 9
const SILENCE_MS_MAX = 40_000

interface Report {
  readonly name: string
  readonly strange: string[]
  readonly wrong: string[]
  readonly requests: number
}

describe.each(VARIANTS)('$name', ({ name }) => {
  test(`no value in any shared word does more than it may (seed ${seed})`, async () => {
    const { reports, begun, ending, complaint } = await attack(name)
    const told = `seed ${seed}, ${begun}: ${complaint}`
    expect(ending, told).toBe('exit code 0')
    const bad = reports.filter(({ strange, wrong }) => strange.length > 0 || wrong.length > 0)
    expect(bad, told).toEqual([])
    expect(reports.length).toBeGreaterThan(45)
    // Each of them settled, else there would be no report.
    for (const { requests } of reports) expect(requests).toBeGreaterThan(3 * valuesPerWord)
  }, 400_000)
})

async function attack(variant: string) {
  const file = fileURLToPath(new URL('../fixtures/hostile-words.mjs', import.meta.url))
  const child = spawn(process.execPath, [file, variant, String(seed), String(valuesPerWord)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  let complaint = ''
  child.stderr.on('data', (text) => (complaint = (complaint + String(text)).slice(-4000)))
  const reports: Report[] = []
  let begun = '(the beginning)'
  const hang = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS_MAX)
  for await (const line of createInterface(child.stdout)) {
    hang.refresh()
    const said = JSON.parse(line) as Report | 'done'
    if (said === 'done') break
    begun = said.name
    if ('requests' in said) reports.push(said)
  }
  const [code, signal] = await exit
  clearTimeout(hang)
  return { reports, begun, complaint, ending: signal ?? `exit code ${code}` }
}
