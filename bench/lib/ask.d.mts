// The types of the requester, for the tests that are written in TypeScript.

import type { Answer, Question } from '../payloads/question.mjs'

export function ask<T = Answer>(
  request: (question: Question) => Promise<T>,
  job: { first: number; count: number; inFlight: number; isBatched?: boolean },
  answerOf?: (answered: T) => Answer,
): Promise<{ received: number; disordered: number; checksum: number; latency: unknown }>

export function ask(
  requestEach: (questions: Question[]) => Promise<Answer[]>,
  job: { first: number; count: number; inFlight: number; perCall: number },
): Promise<{ received: number; disordered: number; checksum: number; latency: unknown }>
