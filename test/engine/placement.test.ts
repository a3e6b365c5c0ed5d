// Where threads run, read back from the kernel: /proc tells it, whatever the engine says.

import { createEngine } from 'flyshuttle'
import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { parseCpuList } from '../../src/placement/cpu-list.js'
import { nodesInUse } from '../../src/placement/plan.js'
import { readTopology } from '../../src/placement/topology.js'
import { describeOnLinux } from '../native/addon.js'
import { joinerOf } from './joiner.js'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const allowedIn = (file: string): number[] =>
  parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '')

const OURS = process.platform === 'linux' ? allowedIn('/proc/self/status') : []
const [FIRST = 0] = OURS
const LAST = OURS.at(-1) ?? 0
const NODES = nodesInUse(readTopology())

describeOnLinux('threads that are pinned', () => {
  test('run on the CPUs that were named, and the other threads of the process do not', async () => {
    const engine = await engineFor({ threads: 2, placement: { cpus: [LAST] } })
    await engine.spawn('first', fixture('kernel-view.mjs'), { thread: 1 })
    expect(await engine.request('kernel.view')).toBe(`${LAST}`)
    const pinned = readdirSync('/proc/self/task').filter(
      (task) => allowedIn(`/proc/self/task/${task}/status`).length === 1,
    )
    if (OURS.length > 1) expect(pinned).toHaveLength(2)
    expect(allowedIn('/proc/self/status')).toEqual(OURS)
  })

  test('are told by engine.placement as the kernel sees them', async () => {
    const placement = { cpus: [LAST] }
    const engine = await engineFor({ threads: 1, placement })
    const { wanted, reason, threads } = engine.placement
    expect({ wanted, reason }).toEqual({ wanted: placement, reason: null })
    expect(threads).toMatchObject([
      { index: 0, cpus: OURS, isPinned: false, refused: null },
      { index: 1, cpus: [LAST], isPinned: true, refused: null },
    ])
  })

  test('leave the main thread alone unless it is named, and let it go at the end', async () => {
    const engine = await createEngine({ threads: 1, placement: { cpus: [FIRST], main: LAST } })
    expect(allowedIn('/proc/self/status')).toEqual([LAST])
    expect(engine.placement.threads[0]).toMatchObject({ cpus: [LAST], isPinned: true })
    await engine.close()
    expect(allowedIn('/proc/self/status')).toEqual(OURS)
  })

  test('pass their place on to the thread that comes after them', async () => {
    const engine = await engineFor({ threads: 1, placement: { cpus: [LAST] }, onError: () => {} })
    await engine.threads[1]?.terminate()
    expect(engine.placement.threads).toHaveLength(1)
    await engine.spawn('again', fixture('kernel-view.mjs'))
    expect(await engine.request('kernel.view')).toBe(`${LAST}`)
  })

  test('one that somebody else made and that joins runs where its owner lets it', async () => {
    const engine = await engineFor({ threads: 0, placement: { cpus: [LAST] } })
    const joiner = await joinerOf(engine)
    const { index = -1 } = engine.threads.find(({ hasJoined }) => hasJoined) ?? {}
    await engine.spawn('guest', fixture('kernel-view.mjs'), { thread: index })
    const seen = parseCpuList(await engine.request('kernel.view'))
    expect(seen).toEqual(OURS)
    const told = engine.placement.threads.find((thread) => thread.index === index)
    expect(told).toMatchObject({ cpus: OURS, isPinned: false, refused: null })
    await joiner.ask('leave')
    await until(() => engine.placement.threads.length === 1)
  })

  test('one that is started later may run on all CPUs that were named', async () => {
    const engine = await engineFor({ threads: 1, placement: { cpus: [...OURS] } })
    for (let place = 2; place <= OURS.length + 1; place++) {
      await engine.spawn(`agent-${place}`, fixture('counter.mjs'), { thread: 'own' })
    }
    const cpus = engine.placement.threads.slice(1).map((thread) => thread.cpus)
    expect(cpus).toEqual([...OURS.map((cpu) => [cpu]), OURS])
  }, 60_000)

  test.each(['spread', 'compact'] as const)(
    '%s gives each worker CPUs of its own',
    async (mode) => {
      const engine = await engineFor({ threads: 1, placement: mode })
      const [main, worker] = engine.placement.threads
      expect(main).toMatchObject({ cpus: OURS, isPinned: false })
      if (OURS.length > 1) expect(worker).toMatchObject({ isPinned: true, refused: null })
      for (const cpu of worker?.cpus ?? []) expect(OURS).toContain(cpu)
    },
  )

  test('are refused a CPU or a node that this process does not have', async () => {
    const outside = Math.max(...OURS) + 1
    await expect(createEngine({ placement: { cpus: [outside] } })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      data: { option: 'placement', found: `CPU ${outside}` },
    })
    await expect(createEngine({ placement: { node: 999 } })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      data: { option: 'placement', found: 'node 999' },
    })
  })
})

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('auto leaves every thread alone on one node, and says so', async () => {
    const engine = await engineFor({ threads: 1, addon })
    const { wanted, reason, threads } = engine.placement
    expect(wanted).toBe('auto')
    expect(threads.map(({ index }) => index)).toEqual([0, 1])
    expect(engine.capabilities.placement).toBe(addon && process.platform === 'linux')
    if (!addon) expect(reason).toBe('switched off by the option `addon: false`')
    else if (NODES.length === 1) expect(reason).toBe('there is one NUMA node')
    // With several nodes workers are kept on one each, and the main thread is not.
    const isPinned = addon && NODES.length > 1
    expect(threads.map((thread) => thread.isPinned)).toEqual([false, isPinned])
  })
})

test('without the addon a placement that was asked for by name is refused', async () => {
  for (const placement of ['spread', 'compact', { cpus: [FIRST] }, { node: 0 }] as const) {
    await expect(createEngine({ addon: false, placement })).rejects.toMatchObject({
      code: 'ERR_PLACEMENT_UNAVAILABLE',
      message: expect.stringContaining('switched off by the option'),
    })
  }
})

test('usable cores are a whole number, and at most those of this process', async () => {
  const engine = await engineFor({ threads: 0 })
  const { cores } = engine.capabilities
  expect(Number.isInteger(cores) && cores >= 1 && cores <= availableParallelism()).toBe(true)
})
