// What is published of the benchmarks: the README and the plots say what the saved figures say.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  mergeResults,
  publishResults,
  README_FILE,
  readResults,
  RESULTS_FOLDER,
  saveResults,
  scenariosOf,
  type ResultRow,
  type Results,
} from '../../bench/lib/results.mjs'
import { plotsOf } from '../../bench/lib/results-plots.mjs'
import { replaceSection, sectionOf } from '../../bench/lib/results-table.mjs'
import { SCENARIO_NAMES } from '../../bench/lib/scenarios.mjs'
import { complaintAbout } from './xml.js'

const row = (scenario: string, contender: string, samples: number[], more = {}): ResultRow => {
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    scenario,
    contender,
    unit: 'messages/s',
    median: sorted[sorted.length >> 1] as number,
    min: Math.min(...samples),
    max: Math.max(...samples),
    samples,
    verified: true,
    commit: 'abc1234',
    date: '2031-02-03T04:05:06.000Z',
    ...more,
  }
}
const none = { median: null, min: null, max: null, samples: [], verified: false }

const results: Results = {
  node: 'v20.0.0',
  machine: '2 × a loom, 4 GiB, linux x64',
  cores: 2,
  rows: [
    row('one-to-one-struct', 'flyshuttle', [8e6, 20e6, 900e6]),
    row('one-to-one-struct', 'flyshuttle-publisher', [16e6, 40e6, 1800e6]),
    row('one-to-one-struct', 'postMessage', [1e6, 10e6, 100e6]),
    row('one-to-one-struct', 'postMessage-batched', [3e6, 30e6, 300e6]),
    row('one-to-one-struct', 'BroadcastChannel', [1e6, 1e6, 1e6]),
    row('one-to-one-struct', 'cpp-limit', [80e6, 80e6, 80e6]),
    row('fan-in', 'flyshuttle', [2e6, 2e6, 2e6], { commit: 'def5678' }),
    row('fan-in', 'postMessage', [], { ...none, refused: 'received <1> & not 2 of 2 messages' }),
    row('request-reply-serial', 'flyshuttle', [5e5, 5e5, 5e5], {
      latencyUsP50: 1.6,
      latencyUsP90: 1.8,
      latencyUsP99: 2.7,
      latencyUsP999: 21,
      latencyUsMax: 400,
      latencies: [1, 2].map((factor) => ({
        latencyUsP50: 1.5 * factor,
        latencyUsP90: 1.7 * factor,
        latencyUsP99: 2.6 * factor,
        latencyUsP999: 20 * factor,
        latencyUsMax: 400,
      })),
    }),
  ],
}

describe('the section of the README', async () => {
  const section = sectionOf(results, await scenariosOf(results))
  const line = (title: string): string =>
    section.split('\n').find((text) => text.startsWith(`| ${title}`)) ?? ''

  test('has the median and the ratio of pairs to postMessage', () => {
    expect(line('40-byte struct, one to one')).toBe(
      '| 40-byte struct, one to one | 20.0 M/s (8.00×) | – | 10.0 M/s ' +
        '| 30.0 M/s (3.00×) postMessage-batched | 80.0 M/s (8.00×) |',
    )
  })

  test('tells our other ways apart from the others', () => {
    expect(section).toContain(
      'Other ways to use it: 40-byte struct, one to one with `publisher()` 40.0 M/s (16.0×).',
    )
  })

  test('compares with C++ where nobody had to share a core, if that was measured', async () => {
    expect(section).not.toContain('Beside')
    const rows = results.rows.map((given) => ({ ...given, coresAtOnce: [2, 2, 1.1] }))
    const measured = sectionOf({ ...results, rows }, await scenariosOf(results))
    expect(measured).toContain(
      'Beside the two C++ threads, in rounds where every thread had a core to itself: ' +
        '40-byte struct, one to one with `publish` 0.17 (2 of 3 rounds); ' +
        '40-byte struct, one to one with `publisher()` 0.35 (2 of 3 rounds).',
    )
  })

  test('has no figure of a row that was refused, and no ratio to it', () => {
    expect(line('40-byte struct, three to one')).toMatch(
      /\| 2\.00 M\/s \| – \| refused \| – \| – \|/,
    )
  })

  test('says when threads had to take turns', () => {
    expect(line('40-byte struct, three to one')).toContain('(4 threads on 2 cores)')
    expect(line('40-byte struct, one to one')).not.toContain('cores')
  })

  test('says where, when and with what it was measured', () => {
    for (const text of [
      'v20.0.0',
      '2 × a loom',
      '2031-02-03',
      '`abc1234`, `def5678`',
      '3 rounds',
    ]) {
      expect(section).toContain(text)
    }
    expect(section).toContain('flyshuttle 1.60 and 2.70')
  })

  test('replaces what stands between the marks, and nothing else', () => {
    const readme = 'a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nb\n'
    const once = replaceSection(readme, 'new')
    expect(once).toBe('a\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nb\n')
    expect(replaceSection(once, 'new')).toBe(once)
  })

  test.each(['no marks', '<!-- bench:begin --> open', '<!-- bench:end --><!-- bench:begin -->'])(
    'is not written into a README with %s',
    (readme) => {
      expect(() => replaceSection(readme, 'new')).toThrow('needs <!-- bench:begin -->')
    },
  )
})

describe('the plots', async () => {
  const plots = plotsOf(results, await scenariosOf(results))

  test('are well-formed and the same for the same figures', async () => {
    expect([...plots.keys()]).toEqual(['throughput.svg', 'round-trips.svg'])
    expect(plotsOf(results, await scenariosOf(results))).toEqual(plots)
    for (const [file, svg] of plots) expect(complaintAbout(svg), file).toBeNull()
  })

  test('say why a row has no bar', () => {
    const bars = plots.get('throughput.svg') ?? ''
    expect(bars).toContain('refused: received &lt;1&gt; &amp; not 2 of 2 messages')
    // 9 rows, one of them refused.
    expect(bars.match(/<rect [^>]*class="area /g)).toHaveLength(8)
  })

  test('of round trips are drawn when there are latencies', async () => {
    const without = { ...results, rows: results.rows.slice(0, 5) }
    expect([...plotsOf(without, await scenariosOf(without)).keys()]).toEqual(['throughput.svg'])
  })
})

describe('saving', () => {
  const now: Results = { ...results, rows: [row('fan-in', 'flyshuttle', [7])] }
  const folders: string[] = []

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  test('replaces a scenario as a whole and keeps the others', () => {
    const merged = mergeResults(results, now)
    const ofFanIn = merged.rows.filter(({ scenario }) => scenario === 'fan-in')
    expect(ofFanIn).toEqual(now.rows)
    expect(merged.rows).toHaveLength(8)
    expect(merged.rows.at(-1)?.scenario).toBe('request-reply-serial')
  })

  test.each([
    ['machine', { machine: 'another' }],
    ['version of Node', { node: 'v22.0.0' }],
    ['number of cores', { cores: 3 }],
  ])('keeps nothing of another %s', (_, other) => {
    expect(mergeResults(results, { ...now, ...other }).rows).toEqual(now.rows)
  })

  test('writes the figures, then the plots, then the README', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-results-'))
    folders.push(folder)
    const readme = join(folder, 'README.md')
    writeFileSync(readme, '<!-- bench:begin --><!-- bench:end -->')
    expect(readResults(folder)).toBeNull()
    await expect(publishResults(folder, readme)).rejects.toThrow('run with --save first')
    await saveResults(results, folder)
    await saveResults(now, folder)
    expect(readResults(folder)).toEqual(mergeResults(results, now))
    expect(readdirSync(folder).sort()).toEqual(
      ['README.md', 'round-trips.svg', 'throughput.json', 'throughput.svg'].sort(),
    )
    await publishResults(folder, readme)
    expect(readFileSync(readme, 'utf8')).toContain('| 40-byte struct, one to one | 20.0 M/s')
  })
})

describe('what is committed', () => {
  const saved = readResults()

  test('there are figures, of every scenario and all of them believed', async () => {
    expect(saved, 'bench/results/throughput.json').not.toBeNull()
    const { rows } = saved as Results
    expect(new Set(rows.map(({ scenario }) => scenario))).toEqual(new Set(SCENARIO_NAMES))
    const unbelieved = rows.filter(({ verified }) => !verified)
    expect(unbelieved).toEqual([])
    for (const row of rows) {
      expect(row.samples.length, row.contender).toBeGreaterThanOrEqual(3)
      expect(row.commit).toMatch(/^[0-9a-f]{7,}$/)
    }
  })

  test('the README says what the figures say: npm run bench:throughput -- --readme', async () => {
    const results = saved as Results
    const readme = readFileSync(README_FILE, 'utf8')
    const section = sectionOf(results, await scenariosOf(results))
    expect(readme === replaceSection(readme, section), 'README.md differs').toBe(true)
  })

  test('the plots show what the figures say: npm run bench:throughput -- --readme', async () => {
    const results = saved as Results
    for (const [file, svg] of plotsOf(results, await scenariosOf(results))) {
      expect(readFileSync(join(RESULTS_FOLDER, file), 'utf8') === svg, file).toBe(true)
    }
  })
})
