// Runs inside the guest of run.mjs: a machine with CPUs 0 and 1 on node 0, 2 and 3 on node 1.
//
// What is checked comes from the kernel: /proc/thread-self/status for threads, /proc/self/numa_maps
// for pages. Prints a line per check, and a verdict that run.mjs looks for.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createEngine, diagnose } from 'flyshuttle'
import { loadBinding } from 'flyshuttle/testing'

const ECHO = new URL('./echo.mjs', import.meta.url)
/** Requests with a page of 4 KiB one way and nearly nothing the other. */
const ECHOES = 32

const checks = {
  'the kernel pins each thread where it was told to be': async () => {
    equal(await cpusOf({ cpus: [2] }), '2')
    equal(await cpusOf({ node: 1 }), '2-3')
    equal(await cpusOf({ node: 0 }), '0-1')
    // The far node, seen from where the engine was made: its first core.
    ok(['0', '2'].includes(await cpusOf('spread')))
    // Whole nodes by default: the one on which the engine was made.
    ok(['0-1', '2-3'].includes(await cpusOf('auto')))
  },

  'the inbox of a worker lies on its node, though another node writes it': async () => {
    const pages = await pagesAfter({ cpus: [2], main: 0 }, { there: 4096, back: 1 })
    deepEqual([nodesOf(pages[0]), nodesOf(pages[1])], ['0', '1'])
    ok(pages[1][1] >= ECHOES, `${pages[1][1]} pages of the worker's inbox on node 1`)
    ok(pages[0][0] < ECHOES, `${pages[0][0]} pages of the main thread's inbox on node 0`)
  },

  'so does the inbox of the main thread': async () => {
    const pages = await pagesAfter({ cpus: [1], main: 3 }, { there: 1, back: 4096 })
    deepEqual([nodesOf(pages[0]), nodesOf(pages[1])], ['0', '1'])
    ok(pages[1][1] >= ECHOES, `${pages[1][1]} pages of the main thread's inbox on node 1`)
    ok(pages[0][0] < ECHOES, `${pages[0][0]} pages of the worker's inbox on node 0`)
  },

  'a thread that may run on both nodes has no node for its memory': () =>
    withEngine({ threads: 1, placement: { cpus: [0, 3] } }, async ({ placement }) => {
      deepEqual(
        placement.threads.map(({ memoryNode }) => memoryNode),
        [null, 0],
      )
    }),

  'instances on the node of the sender come first': () =>
    withEngine({ threads: 2, placement: { cpus: [3, 1], main: 0 } }, async (engine) => {
      await engine.spawn('echo', ECHO, { instances: 2 })
      for (let request = 0; request < 4; request++) equal(await engine.request('echo.cpus'), '1')
    }),

  'the addon tells pages that nobody has touched from those of either node': () => {
    const { binding } = loadBinding()
    const page = 4096
    const region = new Uint8Array(new SharedArrayBuffer(64 * 1024 * 1024))
    // Away from the block's edges: it does not start with a page.
    const start = 1024 * 1024
    for (const node of [0, 1]) {
      equal(binding.preferNode(region, start + node * 8 * page, 8 * page, node), 8)
      region.fill(1, start + node * 8 * page + page, start + node * 8 * page + 5 * page)
    }
    const nodes = new Int32Array(16)
    equal(binding.nodesOf(region, start, 16 * page, nodes), 16)
    ok(nodes.subarray(1, 5).every((node) => node === 0))
    ok(nodes.subarray(9, 13).every((node) => node === 1))
    ok([...nodes.subarray(6, 8), ...nodes.subarray(14, 16)].every((node) => node < 0))
  },

  'the doctor sees both nodes, and that memory can be bound': async () => {
    const { topology, findings, plans } = await diagnose()
    deepEqual(
      topology.nodes.map(({ cpus, distances }) => [cpus, distances]),
      [
        [
          [0, 1],
          [10, 20],
        ],
        [
          [2, 3],
          [20, 10],
        ],
      ],
    )
    deepEqual(
      findings.filter(({ status }) => status !== 'ok'),
      [],
    )
    const { found } = findings.find(({ name }) => name === 'memory')
    match(found, /^256 pages bound to node [01], 256 are there$/)
    equal(plans.auto.reason, null)
  },

  'a node that is not there is refused': async () => {
    const wanted = { code: 'ERR_OPTION_INVALID' }
    const { code } = await createEngine({ placement: { node: 2 } }).catch((error) => error)
    equal(code, wanted.code)
    equal(loadBinding().binding.preferNode(new Uint8Array(1 << 20), 0, 1 << 19, 7), -22)
  },
}

const nodes = readFileSync('/sys/devices/system/node/online', 'utf8').trim()
console.log(`numa: up, nodes ${nodes}, Node ${process.version}`)
let failed = 0
for (const [name, check] of Object.entries(checks)) {
  try {
    await check()
    console.log(`numa: ok      ${name}`)
  } catch (error) {
    failed++
    console.log(`numa: FAILED  ${name}\n${error.stack}`)
  }
}
const count = Object.keys(checks).length
console.log(failed === 0 ? `numa: passed ${count} checks` : `numa: ${failed} of ${count} failed`)

async function withEngine(options, use) {
  const engine = await createEngine(options)
  try {
    return await use(engine)
  } finally {
    await engine.close()
  }
}

/** Where the kernel lets the only worker of an engine run. */
function cpusOf(placement) {
  return withEngine({ threads: 1, placement }, async (engine) => {
    await engine.spawn('echo', ECHO)
    return engine.request('echo.cpus')
  })
}

/**
 * After as many echoes of so many bytes each way: preferred node → node → pages there, of all
 * memory for which a node is preferred.
 */
function pagesAfter(placement, { there, back }) {
  return withEngine({ threads: 1, placement }, async (engine) => {
    await engine.spawn('echo', ECHO)
    for (let echo = 0; echo < ECHOES; echo++) {
      await engine.request('echo.bytes', { bytes: new Uint8Array(there).fill(1), back })
    }
    const pages = { 0: {}, 1: {} }
    for (const line of readFileSync('/proc/self/numa_maps', 'utf8').split('\n')) {
      const preferred = / prefer[^:]*:(\d+) /.exec(line)?.[1]
      if (preferred === undefined) continue
      for (const [, node, count] of line.matchAll(/ N(\d+)=(\d+)/g)) {
        pages[preferred][node] = (pages[preferred][node] ?? 0) + Number(count)
      }
    }
    return pages
  })
}

function nodesOf(pages) {
  return Object.keys(pages).join()
}
