// The open loop's honesty: latency runs from when a message was due, and a run that missed its
// rate gives no figure. Nothing here measures speed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { nowNs } from '../../bench/lib/clock.mjs'
import { latencyJsonRow, latencyTableText } from '../../bench/lib/latency-report.mjs'
import { measurePaced, paceRefusalOf, stateOf } from '../../bench/lib/paced.mjs'
import { pace, type PacedJob } from '../../bench/lib/pacer.mjs'
import { createTiming } from '../../bench/lib/timing.mjs'

const DUE = { first: 7, count: 5, startNs: 0, intervalNs: 1 }

describe('the pacer', () => {
  test('sends every number once and in order', async () => {
    const sent: number[] = []
    await pace(DUE, (id) => void sent.push(id))
    expect(sent).toEqual([7, 8, 9, 10, 11])
  })

  test('sends nothing before it is due', async () => {
    const startNs = nowNs() + 2e6
    const job = { first: 0, count: 4, startNs, intervalNs: 1e6 }
    const early: number[] = []
    await pace(job, (id) => {
      if (nowNs() < startNs + id * 1e6) early.push(id)
    })
    expect(early).toEqual([])
  })

  test('goes on where it was when there is room again', async () => {
    const sent: number[] = []
    await pace(DUE, (id) => {
      sent.push(id)
      return id === 8 ? Promise.resolve() : undefined
    })
    expect(sent).toEqual([7, 8, 9, 10, 11])
  })

  test('ends with what sending threw', async () => {
    const send = (): void => {
      throw new Error('no thread to pull')
    }
    await expect(pace(DUE, send)).rejects.toThrow('no thread to pull')
  })
})

describe('timing', () => {
  test('latency runs from when a message was due, however late it was sent', () => {
    const timing = createTiming()
    timing.expect({ first: 0, count: 2, startNs: nowNs() - 3e9, intervalNs: 1e9 })
    timing.take(0)
    timing.take(1)
    const { latencyUsP50, latencyUsMax } = timing.report() as { [field: string]: number }
    expect(latencyUsMax).toBeGreaterThanOrEqual(2.99e6)
    expect(latencyUsP50).toBeGreaterThanOrEqual(1.99e6)
    expect(latencyUsMax).toBeGreaterThan(latencyUsP50 as number)
  })

  test('counts what was handled when the time was up, and what came before it was due', () => {
    const timing = createTiming()
    timing.expect({ first: 0, count: 4, startNs: nowNs() - 1e9, intervalNs: 1 })
    timing.take(0)
    expect(timing.report()).toMatchObject({ count: 1, inTime: 0, early: 0 })
    timing.expect({ first: 0, count: 4, startNs: nowNs() - 1e9, intervalNs: 100e9 })
    timing.take(0)
    timing.take(1)
    expect(timing.report()).toMatchObject({ count: 2, inTime: 2, early: 1 })
  })

  test('names no percentile that no message was above', () => {
    const timing = createTiming()
    timing.expect({ first: 0, count: 100, startNs: nowNs(), intervalNs: 0 })
    for (let id = 0; id < 100; id++) timing.take(id)
    const report = timing.report()
    expect(report).toHaveProperty('latencyUsP99')
    expect(report).not.toHaveProperty('latencyUsP995')
    expect(report).toHaveProperty('latencyUsMax')
  })

  test('an event loop that worked was not asleep; one that waited was', async () => {
    const timing = createTiming()
    timing.expect({ first: 0, count: 3, startNs: nowNs(), intervalNs: 0 })
    timing.take(0)
    timing.take(1)
    expect(timing.report()['asleep']).toBe(0)
    // Where others want the core, a loop may find work whenever it comes to wait.
    const idleMs = performance.nodeTiming.idleTime
    while (performance.nodeTiming.idleTime === idleMs) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    timing.take(2)
    expect(timing.report()['asleep']).toBe(1)
  })
})

describe('the verdict on the pace', () => {
  const kept = { count: 1000, inTime: 990, asleep: 950, early: 0 }

  test('believes a run that kept its rate', () => {
    expect(paceRefusalOf(kept, false)).toBeNull()
    expect(paceRefusalOf(kept, true)).toBeNull()
  })

  test.each([
    ['a rate that was missed', { inTime: 989 }, 'missed its rate: 989 of 1000 messages'],
    ['a receiver that was awake', { asleep: 949 }, 'asleep for 949 of 1000 messages only'],
    ['a clock that runs backwards', { early: 1 }, '1 of 1000 messages arrived before they were'],
    ['no evidence', { inTime: NaN }, 'no evidence of its pace'],
    ['nothing timed', { count: 0 }, 'no evidence of its pace'],
  ])('refuses %s', (_, fault, reason) => {
    expect(paceRefusalOf({ ...kept, ...fault }, true)).toContain(reason)
  })

  test('minds a receiver that is awake only where it has to be parked', () => {
    expect(paceRefusalOf({ ...kept, asleep: 0 }, false)).toBeNull()
  })

  test('tells hot, warm and parked receivers apart', () => {
    expect([0, 0.05, 0.06, 0.94, 0.95, 1].map(stateOf)).toEqual([
      'hot',
      'hot',
      'warm',
      'warm',
      'parked',
      'parked',
    ])
  })

  test('warms up first, and measures at the rate that was asked for', async () => {
    const jobs: PacedJob[] = []
    const evidence = { sent: 1, received: 1, disordered: 0, checksum: 0, expected: 0 }
    await measurePaced({ ratePerSecond: 500, measuredMs: 2000 }, async (job) => {
      jobs.push(job)
      return { seconds: 1, evidence }
    })
    expect(jobs).toHaveLength(2)
    expect(jobs[1]).toMatchObject({ first: jobs[0]?.count, count: 1000, intervalNs: 2e6 })
  })
})

describe('the report', () => {
  const latency = { count: 100, inTime: 100, asleep: 100, early: 0 }
  const row = (latencies: Record<string, number>[]) => ({
    contender: 'a',
    samples: [],
    latencies,
    refused: null,
    notRun: null,
  })

  test('a percentile is the median over the rounds, the largest is the largest of all', () => {
    const rounds = [10, 30, 20].map((us) => ({ ...latency, latencyUsP50: us, latencyUsMax: us }))
    expect(latencyJsonRow('publish', 200, row(rounds))).toEqual({
      scenario: 'publish',
      contender: 'a',
      ratePerSecond: 200,
      verified: true,
      receiver: 'parked',
      asleepShare: 1,
      messages: 300,
      rounds: 3,
      latencyUsP50: 20,
      latencyUsMax: 30,
    })
  })

  test('a refused row shows its reason and no figure', () => {
    const refused = { ...row([{ ...latency, latencyUsP50: 123 }]), refused: 'missed its rate' }
    const json = latencyJsonRow('publish', 200, refused)
    expect(JSON.stringify(json)).not.toContain('123')
    const text = latencyTableText({ name: 'publish', question: 'q' }, [json], [])
    expect(text).toContain('a at 200 /s  refused: missed its rate')
    expect(text).not.toContain('123')
  })

  test('percentiles that a row does not have are dashes, and rates are named once', () => {
    const rows = ['a', 'b'].map((contender) =>
      latencyJsonRow('publish', 200, { ...row([{ ...latency, latencyUsP50: 1.5 }]), contender }),
    )
    const notRun = [{ contender: 'c', notRun: 'no addon' }]
    const lines = latencyTableText({ name: 'publish', question: 'q' }, rows, notRun).split('\n')
    expect(lines[2]).toMatch(/^ {2}200 \/s {4}a +parked +100\.0 % +1\.50 +– +–/)
    expect(lines[3]).toMatch(/^ {12}b /)
    expect(lines[4]).toBe('  c  not run: no addon')
  })
})

describe('the command', () => {
  const BENCH = fileURLToPath(new URL('../../bench/latency.mjs', import.meta.url))
  const folders: string[] = []

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  const bench = (...words: string[]) =>
    spawnSync(process.execPath, [BENCH, ...words], { encoding: 'utf8' })

  // A busy machine may make a run miss its rate; then the row must say so and have no figure.
  test.each(['publish', 'request'])('%s: a row has figures, or the reason why not', (scenario) => {
    const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-bench-'))
    folders.push(folder)
    const file = join(folder, 'rows.json')
    const words = ['--quick', '--scenario', scenario, '--rate', '2000', '--json', file]
    const { status, stderr } = bench(...words)
    expect(stderr).toBe('')
    const { rows } = JSON.parse(readFileSync(file, 'utf8'))
    expect(rows.map((row: { contender: string }) => row.contender)).toEqual([
      'flyshuttle',
      'flyshuttle-js',
      'postMessage',
    ])
    for (const row of rows) {
      if (row.verified) expect(row.messages).toBe(1000)
      else expect(row.refused).toMatch(/^missed its rate/)
      expect(typeof row.latencyUsP50).toBe(row.verified ? 'number' : 'undefined')
    }
    expect(status).toBe(rows.every((row: { verified: boolean }) => row.verified) ? 0 : 1)
  })

  test('a rate that nothing can keep is refused, and the exit code is 1', () => {
    const words = ['--quick', '--scenario', 'publish', '--contender', 'postMessage']
    const { status, stdout } = bench(...words, '--rate', '2500000')
    expect(stdout).toContain('postMessage at 2.50 M/s  refused: missed its rate')
    expect(status).toBe(1)
  })

  test.each([
    ['an unknown scenario', ['--scenario', 'gossip'], 'no scenario is called gossip'],
    ['an unknown contender', ['--contender', 'pigeon'], 'no contender is called pigeon'],
    ['no rate', ['--rate', 'fast'], '--rate is fast; wanted a number from 1'],
    ['an unknown flag', ['--fast'], "Unknown option '--fast'"],
  ])('names %s and ends with 2', (_, words, complaint) => {
    const { status, stdout, stderr } = bench(...words)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(complaint)
    expect(stderr).toContain('--help')
  })
})
