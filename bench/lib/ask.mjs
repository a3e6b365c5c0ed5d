// The requester of every contender in the request scenarios: asks, awaits, checks each answer.
//
// A contender only brings `request(question) → Promise<answer>`. Many in flight are as many
// callers, each of which asks again at once; or batches, each answered before the next is asked.
// One that takes many questions in one call (`perCall`) has as many fewer callers. With one request
// in flight each round trip is timed; the end of one is the start of the next, so there is one look
// at the clock per request. This is a closed loop by its nature: it tells how long one caller
// waits, not how a queue grows under a given rate.

import { performance } from 'node:perf_hooks'
import { foldAnswer, questionAt } from '../payloads/question.mjs'
import { nowNs } from './clock.mjs'
import { latencyOf } from './statistics.mjs'

/**
 * @typedef {ReturnType<typeof questionAt>} Question
 * @typedef {{ id: number, sum: number }} Answer
 */

/**
 * @param {(question: any) => Promise<any>} request takes a question, or a list of them if `perCall`
 * @param {{ first: number, count: number, inFlight: number, isBatched?: boolean,
 *   perCall?: number }} job
 * @param {(answered: any) => Answer} [answerOf] what the request resolved with, as an answer
 */
export async function ask(
  request,
  { first, count, inFlight, isBatched, perCall = 0 },
  answerOf = asIs,
) {
  const isSerial = inFlight === 1
  const samplesMs = new Float64Array(isSerial ? count : 0)
  let received = 0
  let disordered = 0
  let checksum = 0
  let nextId = first
  const endId = first + count

  /** @param {number} id @param {any} answered */
  const check = (id, answered) => {
    const answer = answerOf(answered)
    received++
    if (answer.id !== id) disordered++
    checksum = foldAnswer(checksum, answer)
  }

  /** One of many callers, each with one request under way. */
  const caller = async () => {
    while (nextId < endId) {
      const id = nextId++
      check(id, await request(questionAt(id)))
    }
  }

  /** One of fewer callers, each with many requests under way. */
  const callerOfMany = async () => {
    while (nextId < endId) {
      const firstId = nextId
      nextId = Math.min(endId, firstId + perCall)
      const questions = []
      for (let id = firstId; id < nextId; id++) questions.push(questionAt(id))
      const answers = await request(questions)
      for (let index = 0; index < answers.length; index++) check(firstId + index, answers[index])
    }
  }

  const startNs = nowNs()
  if (perCall > 0) {
    await Promise.all(Array.from({ length: inFlight / perCall }, callerOfMany))
  } else if (isSerial) {
    let beforeMs = performance.now()
    for (let index = 0; index < count; index++) {
      const id = first + index
      check(id, await request(questionAt(id)))
      const afterMs = performance.now()
      samplesMs[index] = afterMs - beforeMs
      beforeMs = afterMs
    }
  } else if (isBatched) {
    while (nextId < endId) {
      const batchId = nextId
      nextId = Math.min(endId, batchId + inFlight)
      const asked = Array.from({ length: nextId - batchId }, (_, index) =>
        request(questionAt(batchId + index)),
      )
      const answered = await Promise.all(asked)
      for (let index = 0; index < answered.length; index++) check(batchId + index, answered[index])
    }
  } else await Promise.all(Array.from({ length: inFlight }, caller))
  const endNs = nowNs()

  return {
    startNs,
    endNs,
    received,
    disordered,
    checksum,
    latency: isSerial ? latencyOf(samplesMs) : null,
  }
}

const asIs = (answered) => answered
