// The comparison with peers: what it asks of them is what it asks of everybody, and a peer that is
// not installed is said to be missing. Nothing here measures speed.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { startNatsServer } from '../../bench/compare/lib/nats-server.mjs'
import { withPeer } from '../../bench/compare/lib/peers.mjs'
import { ask } from '../../bench/lib/ask.mjs'
import { answerTo, expectedAnswerSum, type Question } from '../../bench/payloads/question.mjs'

describe('asking in batches', () => {
  test('the next batch is asked when all of the last one are answered', async () => {
    let open = 0
    let asked = 0
    const openAtAsking: number[] = []
    const request = async (question: Question) => {
      if (asked++ % 4 === 0) openAtAsking.push(open)
      open++
      await new Promise((resolve) => setImmediate(resolve))
      open--
      return answerTo(question)
    }
    const report = await ask(request, { first: 5, count: 10, inFlight: 4, isBatched: true })
    expect(openAtAsking).toEqual([0, 0, 0])
    expect(report).toMatchObject({ received: 10, disordered: 0 })
    expect(report.checksum).toBe(expectedAnswerSum(5, 10))
  })

  test('many questions in one call stay so many under way in all', async () => {
    let open = 0
    let most = 0
    const requestEach = async (questions: Question[]) => {
      open += questions.length
      most = Math.max(most, open)
      await new Promise((resolve) => setImmediate(resolve))
      open -= questions.length
      return questions.map(answerTo)
    }
    const report = await ask(requestEach, { first: 3, count: 50, inFlight: 12, perCall: 4 })
    expect(most).toBe(12)
    expect(report).toMatchObject({ received: 50, disordered: 0 })
    expect(report.checksum).toBe(expectedAnswerSum(3, 50))
  })

  test('answers are matched to their questions, whatever form they travel in', async () => {
    const request = async (question: Question) => [question.id, answerTo(question).sum] as const
    const job = { first: 0, count: 10, inFlight: 4, isBatched: true }
    const good = await ask(request, job, ([id, sum]) => ({ id, sum }))
    expect(good).toMatchObject({ disordered: 0, checksum: expectedAnswerSum(0, 10) })
    const bad = await ask(request, job, ([id, sum]) => ({ id: id ^ 1, sum }))
    expect(bad.disordered).toBe(10)
  })
})

describe('a peer', () => {
  const missing = (name: string) =>
    Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' })

  test('that is not installed is not run, and told how to be', async () => {
    const load = () => Promise.reject(missing('loom'))
    const result = await withPeer('loom', load, async () => 'ran', 'npm install loom')
    expect(result).toEqual({ notRun: 'loom is not installed: npm install loom' })
  })

  test('that is broken is not said to be missing', async () => {
    const load = () => Promise.reject(missing('a part of the loom'))
    await expect(withPeer('loom', load, async () => 'ran')).rejects.toThrow('part of the loom')
  })
})

describe('a server', () => {
  test('that is not on the PATH is not run, and told how to be', async () => {
    expect(await startNatsServer('no-such-server')).toEqual({
      notRun: 'there is no no-such-server on the PATH: apt-get install nats-server',
    })
  })

  test('that ends before it listens is an error, and says what it said', async () => {
    await expect(startNatsServer(process.execPath)).rejects.toThrow('did not start')
  })

  test('ends when whoever keeps it is gone', async () => {
    const KEEPER = fileURLToPath(new URL('../../bench/compare/lib/keeper.mjs', import.meta.url))
    const script = 'console.error(process.pid); setInterval(() => {}, 1000)'
    const keeper = spawn(process.execPath, [KEEPER, process.execPath, '-e', script])
    const [said] = await once(keeper.stderr, 'data')
    const pid = Number(String(said).trim())
    expect(() => process.kill(pid, 0)).not.toThrow()
    keeper.stdin.end()
    await once(keeper, 'close')
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

describe('the command', () => {
  const COMPARE = fileURLToPath(new URL('../../bench/compare/compare.mjs', import.meta.url))
  const folders: string[] = []

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  const compare = (...words: string[]) =>
    spawnSync(process.execPath, [COMPARE, ...words], { encoding: 'utf8' })

  test.each(['call-serial', 'call-batch', 'call-pipelined', 'one-way-object'])(
    '%s: everything comes and is right',
    (scenario) => {
      const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-bench-'))
      folders.push(folder)
      const file = join(folder, 'rows.json')
      const contenders = ['flyshuttle', 'flyshuttle-js', 'postMessage']
      const chosen = contenders.flatMap((name) => ['--contender', name])
      const words = ['--scenario', scenario, '--quick', '--pairs', '1', '--json', file]
      const { status, stderr } = compare(...words, ...chosen)
      expect(stderr).toBe('')
      expect(status).toBe(0)
      const { rows } = JSON.parse(readFileSync(file, 'utf8'))
      const verdicts = rows.map(({ contender, verified }: any) => [contender, verified])
      expect(verdicts).toEqual(contenders.map((name) => [name, true]))
    },
  )

  // Whether the peers are installed is up to who runs this; in either case nothing is made up.
  test('every peer is measured, or said to be missing', () => {
    const peers = ['knitting', 'zeromq', 'nats', 'moleculer-tcp', 'moleculer-local']
    const chosen = peers.flatMap((name) => ['--contender', name])
    const words = ['--scenario', 'call-serial', '--quick', '--pairs', '1']
    const { status, stdout, stderr } = compare(...words, ...chosen)
    expect(stderr).toBe('')
    expect(status).toBe(0)
    for (const peer of peers) {
      expect(stdout).toMatch(new RegExp(`^ +${peer} +(\\d.*/s|not run: .*(npm|apt-get) )`, 'm'))
    }
  })

  test('names an unknown scenario and ends with 2', () => {
    const { status, stderr } = compare('--scenario', 'gossip')
    expect(status).toBe(2)
    expect(stderr).toContain('no scenario is called gossip')
  })
})
