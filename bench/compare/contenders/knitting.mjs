// knitting, a worker pool over shared memory: the main thread calls functions of its one worker,
// which imports them from this file.
//
// It carries plain objects as JSON. Several numbers travel fastest as a Float64Array, which its
// callers have to fill and read by position; that is a contender of its own.

import { createPool } from 'knitting'
import { measureCalls } from '../../lib/calls.mjs'
import { answerTo } from '../../payloads/question.mjs'

export const answerObject = (question) => answerTo(question)

/** `[id, a, b]` → `[id, sum]` */
export const answerNumbers = ([id, a, b]) => {
  const answer = answerTo({ id, a, b })
  return Float64Array.of(answer.id, answer.sum)
}

/**
 * @param {{ inFlight: number, isBatched?: boolean, asNumbers: boolean }} what
 * @param {import('../../lib/measure.mjs').Options} options
 */
export function calls({ asNumbers, ...how }, options) {
  const pool = createPool({ threads: 1 })({ answerObject, answerNumbers })
  const close = () => pool.shutdown()
  if (!asNumbers) return measureCalls({ request: pool.call.answerObject, close }, how, options)
  const request = ({ id, a, b }) => pool.call.answerNumbers(Float64Array.of(id, a, b))
  const answerOf = ([id, sum]) => ({ id, sum })
  return measureCalls({ request, answerOf, close }, how, options)
}
