// The micro benchmarks compute what they say, every time: a sum that is wrong has no figure.
// Nothing here measures speed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { atomicsCases } from '../../bench/micro/atomics.mjs'
import { caseOf } from '../../bench/micro/cases.mjs'
import { codecCases } from '../../bench/micro/codec.mjs'
import { compressionCases } from '../../bench/micro/compression.mjs'
import { microTableText, rowOf } from '../../bench/micro/report.mjs'
import { ringCases } from '../../bench/micro/ring.mjs'
import { subjectCases } from '../../bench/micro/subjects.mjs'

const GROUPS = { ringCases, codecCases, subjectCases, atomicsCases, compressionCases }

describe.each(Object.entries(GROUPS))('%s', (_, cases) => {
  test('every batch returns the sum it has to, whatever ran before it', () => {
    const all = cases()
    for (let round = 0; round < 2; round++) {
      for (const { name, run, expected } of all) {
        expect(run(), name).toBe(expected)
        expect(run(), name).toBe(expected)
      }
    }
  })
})

describe('a row', () => {
  const one = caseOf(
    'group/name',
    'what it does',
    (index) => index,
    () => 45,
    10,
  )

  test('says what one operation took, at the median and at the fastest', () => {
    const row = rowOf(one, null, null, [3e-6, 1e-6, 2e-6])
    expect(row).toMatchObject({ verified: true, samples: 3 })
    expect(row['nsMedian']).toBeCloseTo(200)
    expect(row['nsMin']).toBeCloseTo(100)
  })

  test('with a wrong sum is refused, and has no figure', () => {
    const row = rowOf(one, null, 44, [123e-6])
    const refused = 'a sum of 44, expected 45'
    expect(row).toEqual({ name: 'group/name', what: 'what it does', verified: false, refused })
    expect(microTableText([row])).toContain('group/name  refused: a sum of 44')
  })

  test('that could not be run says why', () => {
    expect(rowOf(one, 'no thread', null, [])).toMatchObject({ refused: 'no thread' })
  })
})

describe('the command', () => {
  const MICRO = fileURLToPath(new URL('../../bench/micro.mjs', import.meta.url))
  const folders: string[] = []

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  const micro = (...words: string[]) =>
    spawnSync(process.execPath, [MICRO, ...words], { encoding: 'utf8' })

  test('runs what the filter names, and writes rows', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-bench-'))
    folders.push(folder)
    const file = join(folder, 'rows.json')
    const { status, stdout, stderr } = micro('--quick', '--filter', 'ring/full', '--json', file)
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).toMatch(/ring\/full +claim a frame in a ring that is full/)
    const { rows } = JSON.parse(readFileSync(file, 'utf8'))
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ name: 'ring/full', verified: true })
    expect(rows[0].nsMedian).toBeGreaterThan(0)
  })

  test('names a filter that nothing matches and ends with 2', () => {
    const { status, stderr } = micro('--filter', 'loom')
    expect(status).toBe(2)
    expect(stderr).toContain('no case has loom in it')
  })
})
