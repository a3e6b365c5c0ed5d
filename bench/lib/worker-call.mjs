// The line between the main thread and the workers of the plain `postMessage` contenders: calls by
// name. Nothing on it is measured.

import { parentPort, Worker } from 'node:worker_threads'

/**
 * In a worker: what the main thread may call.
 *
 * @param {Record<string, (argument: any) => unknown>} handlers
 */
export function serve(handlers) {
  parentPort.on('message', async ({ number, name, argument }) => {
    try {
      parentPort.postMessage({ number, result: await handlers[name](argument) })
    } catch (error) {
      parentPort.postMessage({ number, error })
    }
  })
}

/**
 * In the main thread: starts a worker of `bench/workers/`.
 *
 * @param {string} file
 * @param {object} workerData
 * @param {import('node:worker_threads').TransferListItem[]} transferList
 */
export function startWorker(file, workerData, transferList) {
  const worker = new Worker(new URL(`../workers/${file}`, import.meta.url), {
    workerData,
    transferList,
  })
  /** @type {Map<number, { resolve: Function, reject: Function }>} */
  const pending = new Map()
  let number = 0

  worker.on('message', (answer) => {
    const { resolve, reject } = pending.get(answer.number)
    pending.delete(answer.number)
    if (answer.error === undefined) resolve(answer.result)
    else reject(answer.error)
  })
  worker.on('error', (error) => {
    for (const { reject } of pending.values()) reject(error)
    pending.clear()
  })

  return {
    /** @param {string} name @param {unknown} [argument] @returns {Promise<any>} */
    call(name, argument) {
      return new Promise((resolve, reject) => {
        pending.set(++number, { resolve, reject })
        worker.postMessage({ number, name, argument })
      })
    },
    stop: () => worker.terminate(),
  }
}
