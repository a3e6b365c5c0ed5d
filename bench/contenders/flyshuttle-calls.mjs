// Flyshuttle used like a worker pool: the main thread asks an agent on one other thread.

import { createEngine } from 'flyshuttle'
import { Sum } from '../agents/messages.mjs'
import { measureCalls } from '../lib/calls.mjs'

/**
 * @param {{ addon: boolean, inFlight: number, isBatched?: boolean, perCall?: number }} what
 * @param {import('../lib/measure.mjs').Options} options
 */
export async function calls({ addon, ...how }, options) {
  /** @type {unknown[]} */
  const errors = []
  let engine
  try {
    engine = await createEngine({ threads: 1, addon, onError: (error) => errors.push(error) })
  } catch (error) {
    if (error.code === 'ERR_ADDON_MISSING') return { notRun: 'the native addon is not built' }
    throw error
  }
  const request =
    how.perCall === undefined
      ? (question) => engine.request(Sum, question)
      : (questions) => engine.requestEach(Sum, questions)
  const close = () => engine.close()
  const file = new URL('../agents/responder.mjs', import.meta.url)
  await engine.spawn('responder', file, { thread: 1 })
  const result = await measureCalls({ request, close }, how, options)
  if (errors.length > 0) throw errors[0]
  return result
}
