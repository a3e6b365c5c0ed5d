// Runs the Promela models of the link, of work queues and of blocks under spin: the protocol itself
// must hold in every interleaving, and each mutant, one mistake switched on by its macro, must be
// refuted.
//
// `README.md` beside this file says what is modelled. A mutant counts as refuted only for the
// reason written beside it: `asleep` is an invalid end state (someone waits that nobody will wake),
// `lost` too (a job that nobody can get), `frames` a failed assertion about what the consumer got,
// and the others, of queues and blocks, say which. Needs spin 6 and gcc; without them the suite is
// skipped, except in CI, where it fails.

import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)

type Scenario = 'wake' | 'room' | 'queue' | 'chunk'
type OfQueue = 'lost' | 'stale' | 'twice' | 'wrong' | 'left'
type OfChunk = 'freed' | 'mistaken' | 'touched' | 'kept'
type Refutation = 'asleep' | 'frames' | OfQueue | OfChunk | 'killed'

const REFUTATIONS: Record<Refutation, RegExp> = {
  asleep: /pan:\d+: invalid end state/,
  frames: /pan:\d+: assertion violated/,
  lost: /pan:\d+: invalid end state/,
  stale: /pan:\d+: assertion violated \(attempts\[claimed\]==/,
  twice: /pan:\d+: assertion violated +!\(isSettled\[claimed\]\)/,
  wrong: /pan:\d+: assertion violated \(handled==claimed\)/,
  left: /pan:\d+: assertion violated \(\(\(word\[\d\]%8\)==0\)/,
  freed: /pan:\d+: assertion violated +!\(reading\)/,
  mistaken: /pan:\d+: assertion violated \(content==message\)/,
  touched: /pan:\d+: assertion violated \(\(word==w\)/,
  kept: /pan:\d+: assertion violated \(\(word%4\)==0\)/,
  killed: /pan:\d+: assertion violated \((\d+)!=\1\)/,
}

/** What must hold in every interleaving: the protocol, with either kind of bell. */
const PROTOCOLS: [Scenario, string[], string][] = [
  ['wake', [], 'nobody sleeps through a message or a death'],
  ['wake', ['PORTABLE_BELL'], 'nor with Atomics.notify for a bell'],
  ['room', [], 'a full ring always gets its producer going again'],
  ['room', ['PORTABLE_BELL'], 'also with Atomics.notify for a bell'],
  ['queue', [], 'each job is settled once, by its latest claim, whoever dies'],
  ['queue', ['ONE_THREAD'], 'also among the claims of one thread'],
  ['chunk', [], 'no block is freed while it is read, or kept when nobody can, whoever dies'],
  ['chunk', ['TWO_FRAMES'], 'also when two frames to one thread name it'],
  ['chunk', ['TWO_SENDERS'], 'and a reference to what it was is none to what it is'],
]

/** Parts that turned out to be belt and braces: without them the rest still holds. */
const SPARE_PARTS: [Scenario, string[], string][] = [
  ['room', ['EMPTY_CASE_DROPPED'], 'an empty ring has room for any request within its size'],
  ['room', ['REPLACEMENT_TRUSTS_ANNOUNCEMENT'], 'the announcement makes the replacement scan'],
]

const MUTANTS: [Scenario, string[], Refutation][] = [
  ['wake', ['PLAIN_TAIL'], 'asleep'],
  ['wake', ['PLAIN_SLEEPING'], 'asleep'],
  ['wake', ['NO_RECHECK'], 'asleep'],
  ['wake', ['READY_BEFORE_TAIL'], 'asleep'],
  ['wake', ['SLEEP_CHECK_FIRST'], 'asleep'],
  ['wake', ['TAIL_BEFORE_RECORD'], 'frames'],
  ['wake', ['READY_CLEARED_AFTER_DRAIN'], 'asleep'],
  ['wake', ['LEFTOVER_FORGOTTEN'], 'asleep'],
  ['wake', ['NO_ANNOUNCEMENT'], 'asleep'],
  ['wake', ['ANNOUNCED_BY_MAIN'], 'asleep'],
  ['wake', ['ANNOUNCEMENT_ONLY_RINGS'], 'asleep'],
  ['wake', ['ANNOUNCEMENT_RINGS_FIRST'], 'asleep'],
  ['wake', ['REPLACEMENT_NEVER_SCANS'], 'asleep'],
  ['wake', ['PORTABLE_BELL', 'ANNOUNCEMENT_ONLY_NOTIFIES'], 'asleep'],
  ['wake', ['PORTABLE_BELL', 'DEATHS_NOTED_FIRST'], 'asleep'],
  ['room', ['PLAIN_WAITING'], 'asleep'],
  ['room', ['PLAIN_HEAD'], 'asleep'],
  ['room', ['ROOM_NOT_RECHECKED'], 'asleep'],
  ['room', ['FULL_WITHOUT_FLUSH'], 'asleep'],
  ['room', ['RETRY_WITHOUT_ASKING'], 'asleep'],
  ['room', ['WANTED_BEYOND_RING'], 'asleep'],
  ['room', ['ROOM_RINGS_WITHOUT_READY'], 'asleep'],
  ['room', ['HEAD_BEFORE_HANDLING'], 'frames'],
  ['room', ['TAKEN_AFTER_HANDLING'], 'frames'],
  ['room', ['REPLACEMENT_FROM_HEAD'], 'frames'],
  ['room', ['REPLACEMENT_KEEPS_OLD_HEAD'], 'asleep'],
  ['room', ['NO_ANNOUNCEMENT'], 'asleep'],
  ['room', ['REPLACEMENT_NEVER_SCANS'], 'asleep'],
  ['queue', ['ONE_THREAD', 'ACK_WITHOUT_ATTEMPT'], 'stale'],
  ['queue', ['ACK_BY_STORE'], 'left'],
  ['queue', ['CLAIM_BY_STORE'], 'twice'],
  ['queue', ['FREED_BEFORE_READ'], 'wrong'],
  ['queue', ['REPAIR_FORGOTTEN'], 'lost'],
  ['queue', ['HELD_NOT_REPAIRED'], 'lost'],
  ['queue', ['REPAIR_WITHOUT_PROOF'], 'twice'],
  ['chunk', ['FREED_BY_STORE'], 'touched'],
  ['chunk', ['HELD_LOOKED_AT_FIRST'], 'freed'],
  ['chunk', ['SHARED_BEFORE_NOTED'], 'freed'],
  ['chunk', ['HELD_AFTER_DUE'], 'freed'],
  ['chunk', ['ALL_TAKEN_OFF'], 'freed'],
  ['chunk', ['LOOKED_BEFORE_NOTED'], 'kept'],
  ['chunk', ['NEVER_LOOKED'], 'kept'],
  ['chunk', ['OWNED_FORGOTTEN'], 'kept'],
  ['chunk', ['UNPUBLISHED_KEPT'], 'kept'],
  ['chunk', ['UNUSED_FORGOTTEN'], 'kept'],
  ['chunk', ['TWO_FRAMES', 'FRAMES_SEEN_APART'], 'freed'],
  ['chunk', ['TWO_SENDERS', 'NOT_EXAMINED'], 'freed'],
  ['chunk', ['TWO_SENDERS', 'DUE_IGNORED'], 'freed'],
  ['chunk', ['TWO_SENDERS', 'GENERATION_KEPT'], 'mistaken'],
  ['chunk', ['TWO_SENDERS', 'GENERATION_IGNORED'], 'mistaken'],
  ['chunk', ['TWO_SENDERS', 'STATE_BEFORE_DUE'], 'mistaken'],
  ['chunk', ['TWO_SENDERS', 'SENDER_HOLDS_NOT'], 'kept'],
  // No mistakes, but the proof that a consumer does die before each kind of step.
  ...[1, 2, 3, 4, 5, 6, 7].map((step): [Scenario, string[], Refutation] => {
    return ['queue', [`KILLED_AT=${step}`], 'killed']
  }),
  ...Array.from({ length: 20 }, (_, step): [Scenario, string[], Refutation] => {
    return ['chunk', [`KILLED_AT=${step + 1}`], 'killed']
  }),
]

const INCOMPLETE = /max search depth too small|out of memory|-DMEMLIM bound|Search not completed/

/** Memory serves until the end and Main is blocked: these two alone never reach their ends. */
const NEVER_ENDING = ['Memory', 'Main']

const TIMEOUT_MS = 240_000

const missing = ['spin', 'gcc'].filter((tool) => spawnSync(tool, ['--version']).error)
const reason = missing.length === 0 ? '' : ` (needs ${missing.join(' and ')}, not installed)`

// Skipped where spin or gcc is not installed; in CI it then fails instead.
describe.skipIf(missing.length > 0 && !process.env['CI'])(`the protocols${reason}`, () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flyshuttle-model-'))
  })

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  /** The verifier's report on a model with these macros; the search stops at the first error. */
  async function search(scenario: Scenario, macros: string[], optimise: string): Promise<string> {
    const cwd = await mkdtemp(join(folder, 'run-'))
    const defines = macros.map((macro) => `-D${macro}`)
    await run('spin', [...defines, '-a', modelPath(`${scenario}.pml`)], { cwd })
    const options = ['-w', optimise, '-DSAFETY', '-DMEMLIM=2048']
    await run('gcc', [...options, '-o', 'pan', 'pan.c'], { cwd })
    const { stdout } = await run(join(cwd, 'pan'), ['-m100000'], { cwd })
    return stdout
  }

  for (const [scenario, macros, what] of PROTOCOLS) {
    test(`${[scenario, ...macros].join(' ')}: ${what}`, { timeout: TIMEOUT_MS }, async () => {
      const report = await search(scenario, macros, '-O2')
      expect(report).toMatch(/errors: 0\n/)
      expect(report).not.toMatch(INCOMPLETE)
      // Every step of every thread was taken in some run, so nothing held for want of trying.
      const threads = scenario === 'chunk' ? ['Sender', 'Receiver'] : ['Producer', 'Consumer']
      expect(unreachedSteps(report)).toEqual(
        expect.arrayContaining([...threads, 'init'].map((thread) => [thread, []])),
      )
      for (const [thread, steps] of unreachedSteps(report)) {
        expect([thread, steps]).toEqual([thread, NEVER_ENDING.includes(thread) ? ['-end-'] : []])
      }
    })
  }

  for (const [scenario, macros, why] of SPARE_PARTS) {
    test(`${[scenario, ...macros].join(' ')} holds: ${why}`, { timeout: TIMEOUT_MS }, async () => {
      const report = await search(scenario, macros, '-O2')
      expect(report).toMatch(/errors: 0\n/)
      expect(report).not.toMatch(INCOMPLETE)
    })
  }

  for (const [scenario, macros, refutation] of MUTANTS) {
    const title = `refutes ${[scenario, ...macros].join(' ')}: ${refutation}`
    test(title, { timeout: TIMEOUT_MS }, async () => {
      const report = await search(scenario, macros, '-O1')
      expect(report).toMatch(REFUTATIONS[refutation])
      expect(report).toMatch(/errors: [1-9]/)
    })
  }
})

test('every macro of the models is tried by a test and told in the README', async () => {
  const tried = [...PROTOCOLS, ...SPARE_PARTS, ...MUTANTS].flatMap(([, macros]) => macros)
  const known = tried.map((macro) => macro.replace(/=.*/, ''))
  const files = await Promise.all(
    ['link.pml', 'wake.pml', 'room.pml', 'queue.pml', 'chunk.pml'].map((name) =>
      readFile(modelPath(name), 'utf8'),
    ),
  )
  const found = new Set<string>()
  for (const line of files.join('\n').split('\n')) {
    if (!/^#(ifdef|ifndef|if|elif)\b/.test(line)) continue
    for (const name of line.match(/\b[A-Z][A-Z_]{3,}\b/g) ?? []) found.add(name)
  }
  for (const size of ['THREADS', 'INBOXES', 'WITH_Q']) found.delete(size)
  expect([...found].sort()).toEqual([...new Set(known)].sort())
  const readme = await readFile(modelPath('README.md'), 'utf8')
  expect([...found].filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})

function modelPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** For each thread of the model: the steps that no run took, in the words of the report. */
function unreachedSteps(report: string): [thread: string, steps: string[]][] {
  return report
    .split(/^unreached in (?:proctype )?/m)
    .slice(1)
    .map((section) => {
      const [thread = '', ...lines] = section.split('\n')
      const steps = lines.flatMap((line) => /, state \d+, "(.*)"$/.exec(line)?.[1] ?? [])
      return [thread, steps]
    })
}
