// The benchmark's own honesty: its sums, its order of runs, and that no unproved row gets figures.
// Nothing here measures speed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { measure, type Job, type Pass } from '../../bench/lib/measure.mjs'
import { createCoreMeter } from '../../bench/lib/cores.mjs'
import { createProgressLine, rateText, tableText, threeDigits } from '../../bench/lib/report.mjs'
import { jsonRow, orderOf, runRounds, type Row } from '../../bench/lib/rounds.mjs'
import { loadScenario, QUICK_SCENARIO_NAMES, SCENARIO_NAMES } from '../../bench/lib/scenarios.mjs'
import {
  latencyOf,
  median,
  pairedRatios,
  percentile,
  ratiosOnOwnCores,
} from '../../bench/lib/statistics.mjs'
import { refusalOf } from '../../bench/lib/verdict.mjs'
import {
  answerTo,
  expectedAnswerSum,
  foldAnswer,
  questionAt,
} from '../../bench/payloads/question.mjs'
import { expectedTickSum, foldTick, tickAt } from '../../bench/payloads/tick.mjs'
import { expectedTradeSum, foldTrade, tradeAt } from '../../bench/payloads/trade.mjs'

const evidence = { sent: 10, received: 10, disordered: 0, checksum: -7, expected: -7 }
const honest: Pass = { seconds: 2, evidence }

describe('statistics', () => {
  test('the median is the middle value, or the mean of the two in the middle', () => {
    expect(median([3])).toBe(3)
    expect(median([10, 1, 2])).toBe(2)
    expect(median([10, 1, 2, 4])).toBe(3)
  })

  test('the median sorts by size, not as text, and leaves its input alone', () => {
    const values = [10, 9, 100]
    expect(median(values)).toBe(10)
    expect(values).toEqual([10, 9, 100])
  })

  test('a ratio counts where both runs had a core for each thread, and where that is known', () => {
    const row = { samples: [2, 6, 12, 20], coresAtOnce: [2, 1.2, 1.9, 1.7] }
    const base = { samples: [1, 2, 3, 4], coresAtOnce: [1.1, 2, 1.8, 1.7] }
    expect(ratiosOnOwnCores(row, base)).toEqual([4, 5])
    expect(ratiosOnOwnCores(row, { samples: base.samples })).toEqual([])
    expect(ratiosOnOwnCores({ samples: row.samples }, base)).toEqual([])
  })

  test('ratios pair the samples of the same round', () => {
    expect(pairedRatios([10, 40, 90], [1, 2, 3])).toEqual([10, 20, 30])
    expect(() => pairedRatios([1], [1, 2])).toThrow('cannot pair 1 samples with 2')
  })

  test('a percentile is a value that was measured', () => {
    const sorted = Float64Array.from([1, 2, 3, 4])
    expect([0.5, 0.75, 0.76, 0.999, 1].map((f) => percentile(sorted, f))).toEqual([2, 3, 4, 4, 4])
  })

  test('latencies are reported in microseconds from samples in any order', () => {
    const samplesMs = Float64Array.from({ length: 1000 }, (_, n) => (1000 - n) / 1000)
    expect(latencyOf(samplesMs)).toEqual({
      latencyUsP50: 500,
      latencyUsP90: 900,
      latencyUsP99: 990,
      latencyUsP999: 999,
      latencyUsMax: 1000,
    })
  })
})

describe('the verdict', () => {
  test('believes a run whose messages all came, in order and unharmed', () => {
    expect(refusalOf(honest)).toBeNull()
  })

  test.each([
    ['lost messages', { received: 9 }, 'received 9 of 10 messages'],
    ['repeated messages', { received: 11 }, 'received 11 of 10 messages'],
    ['messages out of order', { disordered: 2 }, '2 of 10 messages out of order'],
    ['harmed payloads', { checksum: 7 }, 'checksum 7, expected -7'],
    ['a checksum that is no number', { checksum: NaN }, 'no evidence of what it checksum'],
    ['nothing sent', { sent: 0, received: 0 }, 'sent nothing'],
  ])('refuses %s', (_, fault, reason) => {
    expect(refusalOf({ seconds: 2, evidence: { ...evidence, ...fault } })).toContain(reason)
  })

  test('refuses a run without evidence, whatever it says of itself', () => {
    expect(refusalOf({ seconds: 2, verified: true })).toContain('brought no evidence')
    expect(refusalOf(null)).toContain('brought no evidence')
  })

  test('refuses a time that cannot be', () => {
    for (const seconds of [0, -1, NaN, Infinity, null]) {
      expect(refusalOf({ seconds, evidence })).toContain(`took ${String(seconds)} seconds`)
    }
  })
})

describe('rounds', () => {
  test('every other round runs backwards', () => {
    const order = [0, 1, 2].map((round) => orderOf(['a', 'b', 'c'], round).join(''))
    expect(order).toEqual(['abc', 'cba', 'abc'])
  })

  test('contenders take turns, and samples are kept in the order of the rounds', async () => {
    const ran: string[] = []
    let seconds = 0
    const run = async (contender: string): Promise<Pass> => {
      ran.push(contender)
      return { seconds: ++seconds, evidence }
    }
    const rows = await runRounds(['a', 'b'], { warmupRounds: 0, rounds: 2, run })
    expect(ran.join('')).toBe('abba')
    expect(rows.map(({ samples }) => samples)).toEqual([
      [10 / 1, 10 / 4],
      [10 / 2, 10 / 3],
    ])
  })

  test('a warm-up round gives no sample, but its evidence counts', async () => {
    const run = async (contender: string, isWarmup: boolean): Promise<Pass> => {
      const isBad = contender === 'b' && isWarmup
      return { seconds: 2, evidence: { ...evidence, received: isBad ? 9 : 10 } }
    }
    const [a, b] = await runRounds(['a', 'b'], { warmupRounds: 1, rounds: 2, run })
    expect(a?.samples).toEqual([5, 5])
    expect(b?.refused).toBe('received 9 of 10 messages')
    expect(b?.samples).toEqual([])
  })

  test('one bad run refuses the whole row, and it is not run again', async () => {
    let runs = 0
    const run = async (): Promise<Pass> => {
      runs++
      return runs === 2 ? { seconds: 2, evidence: { ...evidence, disordered: 1 } } : honest
    }
    const [row] = await runRounds(['a'], { warmupRounds: 0, rounds: 5, run })
    expect(runs).toBe(2)
    const json = jsonRow('s', 'messages/s', row as Row)
    expect(json).toMatchObject({ median: null, samples: [], verified: false })
    expect(json['refused']).toBe('1 of 10 messages out of order')
  })

  test('who cannot run here is set aside, but not who could run before', async () => {
    const notRun = 'no loom'
    let runs = 0
    const run = async (contender: string): Promise<Pass | { notRun: string }> =>
      contender === 'never' || ++runs > 1 ? { notRun } : honest
    const plan = { warmupRounds: 0, rounds: 2, run }
    const [never, once] = await runRounds(['never', 'once'], plan)
    expect(never).toMatchObject({ notRun, refused: null })
    expect(once).toMatchObject({ notRun: null, refused: 'could no longer run: no loom' })
  })

  test('a believed row carries median, extremes, samples and latencies', async () => {
    const seconds = [2, 1, 4]
    const latency = { latencyUsP50: 1, latencyUsMax: 9 }
    const run = async (): Promise<Pass> => ({ seconds: seconds.shift() ?? 1, evidence, latency })
    const [row] = await runRounds(['a'], { warmupRounds: 0, rounds: 3, run })
    expect(jsonRow('s', 'messages/s', row as Row)).toMatchObject({
      scenario: 's',
      contender: 'a',
      unit: 'messages/s',
      median: 5,
      min: 2.5,
      max: 10,
      samples: [5, 10, 2.5],
      verified: true,
      latencyUsP50: 1,
      latencyUsMax: 9,
    })
  })
})

describe('measuring', () => {
  /** A contender that sends `perMs` messages per millisecond on a clock of its own. */
  const contender =
    (rates: number[], jobs: Job[]) =>
    (job: Job): Pass => {
      jobs.push(job)
      const perMs = rates[Math.min(jobs.length, rates.length) - 1] as number
      const { count } = job
      return {
        seconds: count / perMs / 1000,
        evidence: { ...evidence, sent: count, received: count },
      }
    }

  test('the measured pass lasts as long as asked for, at the rate of the warm-up', async () => {
    const jobs: Job[] = []
    const pass = await measure({ warmupMs: 100, measuredMs: 500 }, contender([2000], jobs))
    expect(pass.seconds).toBeCloseTo(0.5, 3)
    expect(jobs.at(-1)?.count).toBe(1_000_000)
  })

  test('warming up goes on while the rate still rises', async () => {
    const rising = [1000, 1000, 1000, 1000, 1000, 1500, 3000, 6000, 12_000]
    const jobs: Job[] = []
    const pass = await measure({ warmupMs: 100, measuredMs: 100 }, contender(rising, jobs))
    expect(pass.evidence['sent']).toBe(1_200_000)
  })

  test('warming up goes on until the code has been used often enough', async () => {
    const jobs: Job[] = []
    await measure({ warmupMs: 100, measuredMs: 10 }, contender([100], jobs))
    expect(jobs.at(-1)?.first).toBeGreaterThanOrEqual(20_000)
  })

  test('warming up a slow contender ends all the same', async () => {
    const jobs: Job[] = []
    await measure({ warmupMs: 100, measuredMs: 1000 }, contender([1], jobs))
    const warmMs = jobs.at(-1)?.first as number
    expect(warmMs).toBeGreaterThanOrEqual(400)
    expect(warmMs).toBeLessThanOrEqual(1000)
  })

  test('sequence numbers run on from pass to pass', async () => {
    const jobs: Job[] = []
    await measure({ warmupMs: 100, measuredMs: 100 }, contender([50, 100, 200], jobs))
    let next = 0
    for (const { first, count } of jobs) {
      expect(first).toBe(next)
      next = first + count
    }
    expect(jobs.length).toBeGreaterThan(2)
  })

  test('a warm-up pass that cannot be believed ends the measurement', async () => {
    const bad: Pass = { seconds: 1, evidence: { ...evidence, received: 9 } }
    expect(await measure({ warmupMs: 100, measuredMs: 100 }, () => bad)).toBe(bad)
  })
})

describe('payloads', () => {
  const FIRST = 123_000
  const COUNT = 4_000
  const ids = Array.from({ length: COUNT }, (_, n) => FIRST + n)

  test('what arrives sums up to what the numbers say', () => {
    const trades = ids.reduce((sum, id) => foldTrade(sum, tradeAt(id)), 0)
    expect(trades).toBe(expectedTradeSum(FIRST, COUNT))
    const ticks = ids.reduce((sum, id) => foldTick(sum, tickAt(id)), 0)
    expect(ticks).toBe(expectedTickSum(FIRST, COUNT))
    const answers = ids.reduce((sum, id) => foldAnswer(sum, answerTo(questionAt(id))), 0)
    expect(answers).toBe(expectedAnswerSum(FIRST, COUNT))
  })

  test.each([
    ['trade', foldTrade, tradeAt(77)],
    ['tick', foldTick, tickAt(77)],
    ['answer', foldAnswer, answerTo(questionAt(77))],
  ])('a change in any field of a %s changes the sum', (_, fold, value) => {
    const whole = (fold as (sum: number, value: object) => number)(0, value)
    for (const [field, found] of Object.entries(value)) {
      const other = typeof found === 'number' ? found + 1 : otherText(found as string)
      const changed = { ...value, [field]: other }
      expect((fold as (sum: number, value: object) => number)(0, changed), field).not.toBe(whole)
    }
  })

  const otherText = (text: string): string => {
    if (text === 'buy') return 'sell'
    if (text === 'sell') return 'buy'
    return `${text.slice(0, -1)}${text.endsWith('~') ? '!' : '~'}`
  }
})

describe('the report', () => {
  const row = (contender: string, samples: number[]): Row => ({
    contender,
    samples,
    latencies: [],
    refused: null,
    notRun: null,
  })

  test('rates have three digits and a unit', () => {
    const texts = [31_234_567, 999_600, 812_345, 999.7, 96, 0.5].map(rateText)
    expect(texts).toEqual(['31.2 M/s', '1.00 M/s', '812 k/s', '1.00 k/s', '96.0 /s', '0.50 /s'])
    const ratios = [0.4321, 9.876, 52.12, 1204.4].map(threeDigits)
    expect(ratios).toEqual(['0.43', '9.88', '52.1', '1204'])
  })

  test('the ratio is the median of the pairs, not the ratio of the medians', () => {
    const scenario = { name: 's', question: 'q', unit: 'messages/s', baselines: ['base'] }
    const text = tableText(scenario, [row('base', [1, 10, 100]), row('fast', [8, 20, 900])])
    expect(text.split('\n').find((line) => line.includes('fast'))).toMatch(/ 8\.00$/)
  })

  test('says what the ratios are where nobody had to share a core, if that was measured', () => {
    const scenario = { name: 's', question: 'q', unit: 'messages/s', baselines: ['cpp-limit'] }
    const measured = (contender: string, samples: number[], coresAtOnce: number[]) => ({
      ...row(contender, samples),
      coresAtOnce,
    })
    const base = measured('cpp-limit', [1, 10, 100], [2, 1.1, 2])
    const text = tableText(scenario, [base, measured('fast', [8, 20, 400], [2, 2, 2])])
    expect(text).toMatch(
      /× cpp-limit in rounds where both threads had a core each:\n +fast 6.00 \(2 of 3\)$/,
    )
    const never = tableText(scenario, [base, measured('fast', [8, 20, 400], [1, 1, 1])])
    expect(never).toContain('In no round both threads had a core each.')
    expect(tableText(scenario, [row('cpp-limit', [1]), row('fast', [2])])).not.toContain('core')
  })

  test('two threads get the work of one or two cores done', async () => {
    const meter = await createCoreMeter()
    const cores = await meter.measure()
    await meter.close()
    expect(cores).toBeGreaterThan(0.2)
    expect(cores).toBeLessThan(10)
  })

  test('a refused row shows its reason and no figure', () => {
    const scenario = { name: 's', question: 'q', unit: 'messages/s', baselines: ['base'] }
    const liar = { ...row('liar', [123_456]), refused: 'received 1 of 2 messages' }
    const text = tableText(scenario, [row('base', [1]), liar])
    expect(text).toContain('liar  refused: received 1 of 2 messages')
    expect(text).not.toContain('123')
  })

  test('there is a progress line on a terminal only', () => {
    const written: string[] = []
    const write = (text: string): void => void written.push(text)
    createProgressLine({ isTTY: false, write }).show('round 1')
    expect(written).toEqual([])
    const line = createProgressLine({ isTTY: true, columns: 80, write })
    line.show('round 10')
    line.show('round')
    line.clear()
    expect(written).toEqual(['\rround 10', '\rround   ', '\r     \r'])
  })
})

describe('the command', () => {
  const BENCH = fileURLToPath(new URL('../../bench/throughput.mjs', import.meta.url))
  const LIARS = fileURLToPath(new URL('./fixtures/liars.mjs', import.meta.url))
  const folders: string[] = []

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  const bench = (...words: string[]) =>
    spawnSync(process.execPath, [BENCH, ...words], { encoding: 'utf8' })

  test('refuses the rows of contenders that lie, and ends with 1', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-bench-'))
    folders.push(folder)
    const file = join(folder, 'rows.json')
    const { status, stdout, stderr } = bench('--scenario', LIARS, '--pairs', '2', '--json', file)
    expect(stderr).toBe('')
    expect(status).toBe(1)
    expect(stdout).toContain('loses-one  refused: received 999 of 1000 messages')
    expect(stdout).toContain('says-nothing  refused: brought no evidence')
    expect(stdout).toContain('falls-over  refused: ended with 1: TypeError: no thread to stand on')
    expect(stdout).toContain('not-here  not run: this machine has no loom')
    expect(stdout).toMatch(/honest +2\.00 k\/s/)

    const json = JSON.parse(readFileSync(file, 'utf8'))
    expect(Object.keys(json)).toEqual(['node', 'commit', 'date', 'machine', 'cores', 'rows'])
    const rows = json.rows as Record<string, unknown>[]
    const verdicts = rows.map((row) => [row['contender'], row['verified']])
    expect(verdicts).toEqual([
      ['honest', true],
      ['loses-one', false],
      ['says-nothing', false],
      ['falls-over', false],
    ])
    expect(rows[0]?.['samples']).toEqual([2000, 2000])
    expect(rows[1]).toMatchObject({ median: null, min: null, max: null, samples: [] })
  })

  test('ends with 0 when every row is believed', () => {
    const words = ['--scenario', LIARS, '--contender', 'honest', '--pairs', '1']
    const { status, stdout } = bench(...words)
    expect(status).toBe(0)
    expect(stdout).not.toContain('\u001b')
  })

  test.each([
    ['an unknown scenario', ['--scenario', 'two-to-three'], 'no scenario is called two-to-three'],
    ['an unknown contender', ['--contender', 'pigeon'], 'no contender is called pigeon'],
    ['no number of pairs', ['--pairs', '0'], '--pairs is 0; wanted a number from 1'],
    ['an unknown flag', ['--fast'], "Unknown option '--fast'"],
    ['quick figures to be saved', ['--save', '--quick'], '--save wants full rounds'],
    ['half a scenario to be saved', ['--save', '--contender', 'piscina'], 'wants all contenders'],
    ['a foreign scenario to be saved', ['--save', '--scenario', LIARS], 'scenarios of its own'],
  ])('names %s and ends with 2', (_, words, complaint) => {
    const { status, stdout, stderr } = bench(...words)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(complaint)
    expect(stderr).toContain('--help')
  })

  test('explains itself', () => {
    const { status, stdout } = bench('--help')
    expect(status).toBe(0)
    for (const flag of ['--scenario', '--contender', '--pairs', '--quick', '--json', '--save']) {
      expect(stdout).toContain(flag)
    }
  })

  test('its help names every scenario and contender, and what --quick leaves out', async () => {
    const { stdout } = bench('--help')
    const loaded = await Promise.all(SCENARIO_NAMES.map((name) => loadScenario(name)))
    for (const { scenario } of loaded) {
      const line = stdout.split('\n').find((text) => text.startsWith(`  ${scenario.name} `)) ?? ''
      expect(/ \* /.test(line), scenario.name).toBe(!QUICK_SCENARIO_NAMES.includes(scenario.name))
      for (const contender of Object.keys(scenario.contenders)) {
        expect(stdout).toContain(`\n  ${contender} `)
      }
    }
  })
})
