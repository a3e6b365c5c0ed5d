// The example behind `npm start`, as a user runs it: a process of its own, writing into a pipe. And
// its parts that could hide a mistake: the comparison, the readers and the percentiles.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, test } from 'vitest'

const EXAMPLE = new URL('../../examples/flights/', import.meta.url)
const FULL_RUN_MS = 120_000

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the example to its end. */
function run(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const main = fileURLToPath(new URL('main.mjs', EXAMPLE))
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } }
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** A module of the example, which is plain JavaScript. */
async function load(file: string): Promise<any> {
  return import(new URL(file, EXAMPLE).href)
}

describe('npm start', () => {
  test(
    'prints plain text into a pipe, finds all sums equal, and ends with 0',
    async () => {
      const { code, stdout, stderr } = await run(['--rows', '20000'])
      expect(stderr).toBe('')
      expect(stdout).toMatch(/checked [\d,]+ aggregates against a single-threaded loop: all equal/)
      expect(stdout).toContain('60,000 arrived')
      expect(stdout).not.toMatch(/[\u001b\r]/)
      expect(code).toBe(0)
    },
    FULL_RUN_MS,
  )

  test(
    'does the same without the addon, and prints one JSON object when asked',
    async () => {
      const { code, stdout } = await run(['--rows=3000', '--json'], { FLYSHUTTLE_NO_ADDON: '1' })
      const printed = JSON.parse(stdout)
      expect(printed).toMatchObject({ rows: 3000, hasAddon: false, check: { differences: [] } })
      expect(printed.check.checked).toBeGreaterThan(1000)
      expect(printed.measures.deliveries).toBe(9000)
      expect(code).toBe(0)
    },
    FULL_RUN_MS,
  )

  test('teaches its options', async () => {
    const { code, stdout } = await run(['--help'])
    expect(stdout).toContain('--rows N')
    expect(code).toBe(0)
  })

  test.each([
    [['--rows', '0'], '--rows is "0"'],
    [['--rows', 'many'], '--rows is "many"'],
    [['--rows', '3000001'], 'at most 3000000'],
    [['--rows', '-5'], "'--rows' argument is ambiguous"],
    [['--row', '5'], "Unknown option '--row'"],
    [['all'], "Unexpected argument 'all'"],
  ])('refuses %j and ends with 2', async (args, complaint) => {
    const { code, stdout, stderr } = await run(args)
    expect(stderr).toContain(complaint)
    expect(stderr.trimEnd().split('\n')).toHaveLength(2)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('the check', () => {
  test('finds one changed sum, one missing and one surplus airport among equal ones', async () => {
    const { compare } = await load('compare.mjs')
    const airports = (entries: [string, { late: number }][]) => ({ airports: new Map(entries) })
    const reference = airports([
      ['ATL', { late: 3 }],
      ['ORD', { late: 4 }],
      ['SEA', { late: 5 }],
    ])
    const result = airports([
      ['ATL', { late: 3 }],
      ['ORD', { late: 5 }],
      ['XNA', { late: 1 }],
    ])
    expect(compare(reference, reference)).toEqual({ checked: 3, differences: [] })
    expect(compare(reference, result)).toEqual({
      checked: 4,
      differences: [
        { path: 'airports.ORD.late', expected: 4, found: 5 },
        { path: 'airports.SEA.late', expected: 5, found: undefined },
        { path: 'airports.XNA.late', expected: undefined, found: 1 },
      ],
    })
  })

  test('sees any single number of a real result that is off by one', async () => {
    const { compare } = await load('compare.mjs')
    const { computeReference } = await load('reference.mjs')
    const { result } = await computeReference(500, { top: 3, departuresMin: 1 })
    const { checked } = compare(result, result)
    let broken = 0
    const breakEach = (node: any): void => {
      const isMap = node instanceof Map
      for (const [key, value] of isMap ? [...node] : Object.entries(node)) {
        if (typeof value === 'object') breakEach(value)
        else if (typeof value === 'number') {
          const write = (next: number) => (isMap ? node.set(key, next) : (node[key] = next))
          write(value + 1)
          expect(compare(intact, result).differences).toHaveLength(1)
          write(value)
          broken++
        }
      }
    }
    const intact = structuredClone(result)
    breakEach(result)
    expect(broken).toBeGreaterThan(checked / 2)
  })
})

describe('the data', () => {
  test('reads the same flights as a plain read of the file, across a row group', async () => {
    const { readFlights } = await load('data.mjs')
    const path = new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets'))
    const [rowStart, rowEnd] = [272_720, 272_735]
    const file = await asyncBufferFromFile(fileURLToPath(path))
    const expected = await parquetReadObjects({ file, compressors, rowStart, rowEnd })
    const found = []
    let first = 0
    for await (const columns of readFlights(rowEnd)) {
      for (let row = Math.max(0, rowStart - first); row < columns.count; row++) {
        found.push({
          date: new Date(columns.dateMs[row]),
          delay: BigInt(columns.delayMin[row]),
          distance: BigInt(columns.distanceMi[row]),
          origin: columns.origin[row],
          destination: columns.destination[row],
        })
      }
      first += columns.count
    }
    expect(found).toEqual(expected)
  })

  test('understands quotes and commas in the list of airports', async () => {
    const { readAirports, splitCsv } = await load('data.mjs')
    const airports = await readAirports()
    expect(splitCsv('a,"b ""c"", d",,e')).toEqual(['a', 'b "c", d', '', 'e'])
    expect(airports.get('BTR')).toMatchObject({ city: 'Baton Rouge', state: 'LA' })
    expect(airports.get('DBN')?.name).toBe('W. H. "Bud" Barron')
    expect(airports.size).toBe(3376)
  })
})

describe('percentiles', () => {
  test('are within a bucket above the exact ones, and add up from several parts', async () => {
    const { Latency } = await load('latency.mjs')
    const [odd, even] = [new Latency(), new Latency()]
    for (let ms = 1; ms <= 1000; ms++) (ms % 2 === 0 ? even : odd).add(ms)
    const { samples, p50Ms, p99Ms, maxMs } = odd.merge(even.report()).summary()
    expect(samples).toBe(1000)
    expect(p50Ms).toBeGreaterThanOrEqual(500)
    expect(p50Ms).toBeLessThan(500 * 1.03)
    expect(p99Ms).toBeGreaterThanOrEqual(990)
    expect(p99Ms).toBeLessThanOrEqual(1000)
    expect(maxMs).toBe(1000)
  })

  test('of nothing are no number', async () => {
    const { Latency } = await load('latency.mjs')
    expect(new Latency().percentileMs(0.5)).toBeNaN()
  })
})
