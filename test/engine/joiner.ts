// A worker that the test makes itself and tells what to do; see fixtures/joiners/joiner.mjs.

import type { Engine, JoinHandle } from 'flyshuttle'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'

export class Joiner {
  readonly worker: Worker
  readonly #waiting = new Map<number, PromiseWithResolvers<any>>()
  /** Resolves with its exit code. */
  readonly ended: Promise<number>
  #asked = 0

  constructor(handle: JoinHandle | undefined) {
    const file = new URL('../fixtures/joiners/joiner.mjs', import.meta.url)
    this.worker = new Worker(file, { workerData: { fly: handle }, stderr: true })
    // A test that means its worker to throw sees it in the exit code.
    this.worker.on('error', () => undefined)
    this.worker.on('message', ({ id, result, error }) => {
      if (error === undefined) this.#waiting.get(id)?.resolve(result)
      else this.#waiting.get(id)?.reject(Object.assign(new Error(error.message), error))
    })
    this.ended = new Promise((resolve) => this.worker.once('exit', resolve))
    onTestFinished(async () => void (await this.worker.terminate()))
  }

  /** Has it do something; resolves with the result, rejects with the error's code and message. */
  ask(deed: string, ...given: unknown[]): Promise<any> {
    const waiting = withResolvers<any>()
    this.#waiting.set(++this.#asked, waiting)
    this.worker.postMessage({ id: this.#asked, deed, given })
    return waiting.promise
  }
}

/** A worker that has joined. */
export async function joinerOf(engine: Engine): Promise<Joiner> {
  const joiner = new Joiner(engine.handle())
  await joiner.ask('join')
  return joiner
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((ok, fail) => {
    resolve = ok
    reject = fail
  })
  return { promise, resolve, reject }
}
