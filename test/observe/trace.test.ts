import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { traceLine } from '../../src/observe/trace.js'
import { VARIANTS, fixture } from '../engine/with-engine.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Two workers, a full mailbox, a death, an orderly end; nothing else goes to stderr. */
const program = (addon: boolean): string => `
  import { createEngine } from 'flyshuttle'
  const engine = await createEngine({ threads: 2, addon: ${addon}, onError: () => {} })
  await engine.spawn('mortal', ${JSON.stringify(fixture('mortal.mjs').href)}, { thread: 1 })
  let open
  const gate = new Promise((resolve) => (open = resolve))
  await engine.subscribe('slow', () => gate, { mailbox: 2 })
  for (let n = 0; n < 9; n++) engine.publish('slow', n)
  await engine.request('mortal.die').catch(() => {})
  while (engine.threads.length > 2) await new Promise((resolve) => setImmediate(resolve))
  open()
  await engine.close()
`

const SEVERAL = `
  import { createEngine } from 'flyshuttle'
  const addon = false
  const first = await createEngine({ threads: 0, addon })
  const second = await createEngine({ threads: 0, addon })
  const orders = await createEngine({ name: 'orders', threads: 1, addon })
  for (const engine of [first, second, orders]) await engine.close()
`

function runTraced(trace: string, addon: boolean, source = program(addon)): string[] {
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, NODE_OPTIONS: '', FLYSHUTTLE_TRACE: trace },
  })
  expect(status).toBe(0)
  return stderr.split('\n').filter((line) => line !== '')
}

const TIME = /^\d\d:\d\d:\d\d\.\d{3}Z /

describe.each(VARIANTS)('$name: FLYSHUTTLE_TRACE', ({ addon }) => {
  test('prints every event of every thread, one line each', () => {
    const lines = runTraced('1', addon)
    for (const line of lines) expect(line).toMatch(TIME)
    const worker = (n: number): string => `thread=${n} name="flyshuttle ${n}" incarnation=1`
    expect(lines.map((line) => line.replace(TIME, '')).sort()).toEqual(
      [
        `[main] attach thread=0 name=main incarnation=1 addon=${addon}`,
        `[flyshuttle 1] attach ${worker(1)} addon=${addon}`,
        `[flyshuttle 2] attach ${worker(2)} addon=${addon}`,
        '[main] full what=mailbox thread=0 name=main subject=slow agent="" messages=2',
        `[main] dead ${worker(1)} reason="it was terminated, or left with exit code 1"` +
          ' agents=["mortal"]',
        `[flyshuttle 2] close ${worker(2)} dropped=0`,
        '[main] close thread=0 name=main incarnation=1 dropped=0',
      ].sort(),
    )
  })
})

describe('FLYSHUTTLE_TRACE', () => {
  test('prints only what it names', () => {
    const words = runTraced('dead, full', false).map((line) => line.split(' ')[2])
    expect(words.sort()).toEqual(['dead', 'full'])
  })

  test.each(['', '0'])('is off when it is %j', (trace) => {
    expect(runTraced(trace, false)).toEqual([])
  })

  test('says once which names it does not know, and prints the others', () => {
    const [warning, ...lines] = runTraced('deaths,dead', false)
    expect(warning).toBe(
      '[flyshuttle] FLYSHUTTLE_TRACE names "deaths"; ' +
        'wanted 1, or some of attach, close, dead, deadLetter, full, forgotten, almostFull, slow',
    )
    expect(lines).toHaveLength(1)
  })
})

test('FLYSHUTTLE_TRACE names engines that are not the only one', () => {
  const lines = runTraced('attach', false, SEVERAL).map((line) => line.replace(TIME, ''))
  const attach = 'thread=0 name=main incarnation=1 addon=false'
  expect(lines).toEqual([
    `[main] attach ${attach}`,
    `[main] attach engine="engine 2" ${attach}`,
    `[main] attach engine=orders ${attach}`,
    '[flyshuttle 1] attach engine=orders thread=1 name="flyshuttle 1" incarnation=1 addon=false',
  ])
})

describe('a line of the trace', () => {
  const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6))

  test('has the time, the thread, the event and its fields', () => {
    const event = { what: 'link', to: 3, reason: 'two words', agents: ['a', 'b'], agent: '' }
    expect(traceLine('full', event, 'main', time, false)).toBe(
      '03:04:05.006Z [main] full what=link to=3 reason="two words" agents=["a","b"] agent=""',
    )
  })

  test('stays one line whatever a field holds', () => {
    expect(traceLine('dead', { reason: 'a\nb=" c' }, 'main', time, false)).toBe(
      '03:04:05.006Z [main] dead reason="a\\nb=\\" c"',
    )
  })

  test('has a coloured event for a terminal', () => {
    const line = traceLine('dead', {}, 'flyshuttle 1', time, true)
    expect(line).toBe('03:04:05.006Z [flyshuttle 1] \x1b[31mdead\x1b[0m')
  })
})
