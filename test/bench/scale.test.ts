// Many threads: who sends to whom, that every receiver is weighed by itself, and what is said of
// machines that cannot show it. Nothing here measures speed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { createNode, passOfMesh, sourcesOf, targetsOf } from '../../bench/lib/mesh.mjs'
import { comparePlots, latencyPlots, scalePlots } from '../../bench/lib/run-plots.mjs'
import {
  limitsText,
  scaleRows,
  scaleTableText,
  threadCounts,
} from '../../bench/lib/scale-report.mjs'
import { refusalOf } from '../../bench/lib/verdict.mjs'

const places = (shape: string, nodes: number) =>
  Array.from({ length: nodes }, (_, node) => ({ shape, node, nodes }))

describe('a mesh', () => {
  test('of pairs has no thread in two of them', () => {
    expect(places('pairs', 5).map(targetsOf)).toEqual([[1], [], [3], [], []])
    expect(places('pairs', 4).map(sourcesOf)).toEqual([[], [0], [], [2]])
  })

  test('of all has a link from each to every other, and a lone one has one to itself', () => {
    expect(places('all-to-all', 3).map(targetsOf)).toEqual([
      [1, 2],
      [0, 2],
      [0, 1],
    ])
    expect(places('all-to-all', 1).map(sourcesOf)).toEqual([[0]])
  })

  /** All nodes in one thread; `post` may lose or change what is sent. */
  const run = async (shape: string, nodes: number, post = (value: any): any => value) => {
    const all = places(shape, nodes)
    const job = { firstRound: 3, rounds: 5 }
    const joined: ReturnType<typeof createNode>[] = all.map((place) =>
      createNode(place, (target, value) => {
        const posted = post(value)
        if (posted !== null) joined[target]?.take(posted)
      }),
    )
    const receivers = all.filter((place) => sourcesOf(place).length > 0)
    for (const { node } of receivers) joined[node]?.expect(job)
    for (const node of joined) await node.produce(job)
    const reports = receivers.map(({ node }) => joined[node]!.report())
    const startNs = Math.max(...reports.map(({ endNs }) => endNs)) - 1e9
    return passOfMesh(job, startNs, receivers, reports)
  }

  test.each([
    ['pairs', 4, 10],
    ['all-to-all', 1, 5],
    ['all-to-all', 3, 30],
  ])('of %s on %i threads is believed when all came', async (shape, nodes, sent) => {
    const pass = await run(shape, nodes)
    expect(refusalOf(pass)).toBeNull()
    expect(pass.evidence).toMatchObject({ sent, received: sent, disordered: 0 })
  })

  test('is refused when one receiver lacks a message, though another has one more', async () => {
    const job = { firstRound: 0, rounds: 2 }
    const receivers = places('pairs', 4).filter(({ node }) => node % 2 === 1)
    const report = { received: 2, disordered: 0, checksum: 0, endNs: 2e9 }
    const reports = [
      { ...report, received: 1 },
      { ...report, received: 3 },
    ]
    expect(refusalOf(passOfMesh(job, 1e9, receivers, reports))).toBe('received 1 of 2 messages')
  })

  test('is refused when a message was harmed', async () => {
    const harmed = await run('all-to-all', 3, (value) =>
      value.id === 10 ? { ...value, flags: value.flags + 1 } : value,
    )
    expect(refusalOf(harmed)).toContain('checksum')
  })
})

describe('the numbers of threads', () => {
  test('double up to the most, and pairs are even', () => {
    expect(threadCounts('all-to-all', 6)).toEqual([1, 2, 4, 6])
    expect(threadCounts('pairs', 6)).toEqual([2, 4, 6])
    expect(threadCounts('pairs', 5)).toEqual([2, 4])
    expect(threadCounts('all-to-all', 1)).toEqual([1])
    expect(threadCounts('pairs', 1)).toEqual([])
  })

  test('that a machine cannot show are named', () => {
    expect(limitsText(2, 8).join(' ')).toContain('Above 2 threads on 2 cores they take turns')
    expect(limitsText(2, 2).join(' ')).toContain('One pair fills 2 cores')
    expect(limitsText(16, 16)).toEqual([])
  })
})

describe('the report', () => {
  const row = (contender: string, samples: number[], refused: string | null = null) => ({
    contender,
    samples,
    latencies: [],
    refused,
    notRun: null,
  })

  test('compares with the baseline of the same rounds, and with the fewest threads', () => {
    const rows = [
      ...scaleRows('pairs', 2, [row('flyshuttle', [10, 20, 30]), row('postMessage', [1, 1, 1])]),
      ...scaleRows('pairs', 4, [row('flyshuttle', [40, 40, 40]), row('postMessage', [1], 'lost')]),
    ]
    expect(rows.map(({ threads, ratio }) => [threads, ratio])).toEqual([
      [2, 20],
      [2, 1],
      [4, undefined],
      [4, undefined],
    ])
    const text = scaleTableText('pairs', rows)
    expect(text).toMatch(/4 +flyshuttle +40\.0 \/s +40\.0 \/s – 40\.0 \/s +– +2\.00/)
    expect(text).toContain('postMessage on 4 threads  refused: lost')
  })
})

describe('the plots', () => {
  const head = { node: 'v20', machine: '2 × CPU', commit: 'abc', date: '2026-01-02T00:00:00Z' }
  const rate = { contender: 'flyshuttle', median: 2e6, min: 1e6, max: 3e6, verified: true }
  const refused = { contender: 'postMessage', verified: false, refused: 'lost' }

  test('of rates have a bar for each row, and a reason where there is none', () => {
    const of = { ...head, cores: 2 }
    const rows = [rate, refused].map((row) => ({ ...row, scenario: 'pairs', threads: 4 }))
    const scale = scalePlots({ ...of, rows }).get('scale.svg')
    expect(scale).toContain('pairs, 4 threads on 2 cores')
    expect(scale).toContain('refused: lost')
    const calls = [rate].map((row) => ({ ...row, scenario: 'call-batch', unit: 'requests/s' }))
    const compare = comparePlots({ ...head, rows: calls }).get('compare.svg')
    expect(compare).toContain('2.00 M/s')
    expect(compare).toContain('commit abc, 2026-01-02')
  })

  test('of latency have one file for each scenario that has figures', () => {
    const row = { scenario: 'publish', contender: 'flyshuttle', verified: true, receiver: 'hot' }
    const rows = [200, 1000].map((ratePerSecond) => ({
      ...row,
      ratePerSecond,
      latencyUsP50: 3,
      latencyUsMax: 90,
    }))
    const missed = { ...refused, scenario: 'request', ratePerSecond: 200 }
    const plots = latencyPlots({ ...head, rows: [...rows, missed] })
    expect([...plots.keys()]).toEqual(['latency-publish.svg'])
    expect(plots.get('latency-publish.svg')).toContain('flyshuttle at 1.00 k/s, hot: 3 µs')
  })
})

describe('the command', () => {
  const SCALE = fileURLToPath(new URL('../../bench/scale.mjs', import.meta.url))
  const folders: string[] = []

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  const scale = (...words: string[]) =>
    spawnSync(process.execPath, [SCALE, ...words], { encoding: 'utf8' })

  test('every message of every contender comes, in pairs and from all to all', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-bench-'))
    folders.push(folder)
    const file = join(folder, 'rows.json')
    const words = ['--quick', '--rounds', '1', '--threads', '2', '--json', file]
    const { status, stderr } = scale(...words)
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const { rows } = JSON.parse(readFileSync(file, 'utf8'))
    const seen = rows.map(({ scenario, threads, contender }: any) =>
      [scenario, threads, contender].join(' '),
    )
    expect(seen).toEqual([
      'pairs 2 flyshuttle',
      'pairs 2 flyshuttle-js',
      'pairs 2 postMessage',
      'all-to-all 1 flyshuttle',
      'all-to-all 1 flyshuttle-js',
      'all-to-all 1 postMessage',
      'all-to-all 2 flyshuttle',
      'all-to-all 2 flyshuttle-js',
      'all-to-all 2 postMessage',
    ])
    expect(rows.every(({ verified }: any) => verified)).toBe(true)
  })

  test.each([
    ['an unknown shape', ['--shape', 'ring'], 'no shape is called ring'],
    ['a part of a run to save', ['--save', '--quick'], 'leave out --quick'],
    ['too many threads', ['--threads', '63'], '--threads is 63; wanted a number from 1 to 62'],
  ])('names %s and ends with 2', (_, words, complaint) => {
    const { status, stderr } = scale(...words)
    expect(status).toBe(2)
    expect(stderr).toContain(complaint)
  })
})
