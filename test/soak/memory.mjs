// The heap of each thread and the memory of the process over the time of a soak, and whether they
// are flat. Used by `load.mjs` and `mixed.mjs`.
//
// Whoever is looked at runs a full collection first, so that what is counted is what is kept.

import { getHeapStatistics } from 'node:v8'
import { growthOf, sparkline } from './flatness.mjs'

/**
 * Growth that is no leak: from a quarter of the time until the end. A leak of eight bytes in a
 * thousand messages is 0.6 MB then, where a thread has received a hundred million.
 */
const HEAP_GROWTH_BYTES_MAX = 256 * 1024
const RSS_GROWTH_BYTES_MAX = 8 * 2 ** 20

/** What a thread tells about itself. */
export function lookAtHeap() {
  globalThis.gc()
  // The first leaves buffers to a sweeper that runs beside it; the second waits for that.
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  const { total_physical_size: physicalBytes } = getHeapStatistics()
  return { heapBytes: heapUsed + external, physicalBytes }
}

export class MemoryWatch {
  #startedMs = performance.now()
  #heaps
  #rss = { name: 'RSS', samples: [] }
  /** V8 gives a heap more room and takes it back as it sees fit; what lies outside must be flat. */
  #rest = { name: 'RSS without the heaps', samples: [] }
  #main = { name: 'heap of main', samples: [] }

  /** @param {readonly string[]} names of the threads that will be looked at */
  constructor(names) {
    this.#heaps = names.map((name) => ({ name: `heap of ${name}`, samples: [] }))
  }

  get seconds() {
    return (performance.now() - this.#startedMs) / 1000
  }

  /** All of it, for a plot. */
  get series() {
    return [this.#rss, this.#rest, ...this.#heaps, this.#main]
  }

  /** `looks` has what `lookAtHeap` told on each thread, in the order of the names. */
  sample(looks) {
    const { seconds } = this
    for (const [index, { heapBytes }] of looks.entries()) {
      this.#heaps[index].samples.push({ seconds, bytes: heapBytes })
    }
    const own = lookAtHeap()
    this.#main.samples.push({ seconds, bytes: own.heapBytes })
    const rssBytes = process.memoryUsage.rss()
    this.#rss.samples.push({ seconds, bytes: rssBytes })
    const heapsBytes = looks.reduce((sum, look) => sum + look.physicalBytes, own.physicalBytes)
    this.#rest.samples.push({ seconds, bytes: rssBytes - heapsBytes })
  }

  get rssMegabytes() {
    return (this.#rss.samples.at(-1).bytes / 2 ** 20).toFixed(1)
  }

  /** Says of each series whether it is flat, to `verdict(isGood, text)`. */
  judge(verdict) {
    for (const { name, samples } of [...this.#heaps, this.#main, this.#rss, this.#rest]) {
      const growth = growthOf(samples)
      const limit = name.startsWith('RSS') ? RSS_GROWTH_BYTES_MAX : HEAP_GROWTH_BYTES_MAX
      const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`
      const last = kib(samples.at(-1).bytes)
      const text = `${name}: grew ${kib(growth)} of at most ${kib(limit)}, ends at ${last}`
      verdict(growth <= limit, text)
      console.log(`       ${sparkline(samples)}`)
    }
  }
}
