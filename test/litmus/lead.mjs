// A worker that plays one role of a litmus test, has another thread play the other, and counts the
// outcomes. `workerData` is `{ name, pairing, rounds, seconds }`; it posts `{ counts, rounds }`.
//
// Both meet before each round and after it; a round is one pass over all cells. In between only
// this thread touches them: it counts and clears.

import { createRequire } from 'node:module'
import { Worker, parentPort, workerData } from 'node:worker_threads'
import { CELLS, CELL_WORDS, STOP, TESTS, cellsOf, meet, play } from './actors.mjs'

const { name, pairing, rounds, seconds, memory, role } = workerData
const test = TESTS[name]
const cells = cellsOf(test)

if (memory !== undefined) follow(new Int32Array(memory))
else lead()

/** The other role, in JavaScript. */
function follow(i32) {
  for (let step = 1; meet(i32, role, step); step += 2) {
    play(i32, test, role, cells)
    if (!meet(i32, role, step + 1)) return
  }
}

async function lead() {
  const words = CELLS + cells * CELL_WORDS + 2 * cells
  const i32 = new Int32Array(new SharedArrayBuffer(words * 4))
  const ours = pairing === 'C++ and JS' ? 1 : 0
  const end = startOther(i32, 1 - ours)
  const counts = {}
  const untilMs = performance.now() + seconds * 1000
  let round = 0
  for (; round < rounds && performance.now() < untilMs; round++) {
    meet(i32, ours, 2 * round + 1)
    play(i32, test, ours, cells)
    meet(i32, ours, 2 * round + 2)
    count(i32, counts)
  }
  Atomics.store(i32, STOP, 1)
  await end()
  parentPort.postMessage({ counts, rounds: round * cells })
}

/** Starts the other role; the result waits for its end. */
function startOther(i32, other) {
  if (pairing === 'JS and JS') {
    const data = { name, memory: i32.buffer, role: other }
    const worker = new Worker(new URL(import.meta.url), { workerData: data })
    return () => new Promise((resolve) => worker.once('exit', resolve))
  }
  const addon = createRequire(import.meta.url)('../../build/Release/flyshuttle.node')
  const thread = new addon.NativeLitmusThread(i32, test.native, other, cells)
  return async () => thread.join()
}

function count(i32, counts) {
  const results = CELLS + cells * CELL_WORDS
  for (let index = 0; index < cells; index++) {
    const outcome = `${i32[results + index]},${i32[results + cells + index]}`
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  i32.fill(0, CELLS, results)
}
