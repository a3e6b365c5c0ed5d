// A job that will not be delivered any more, as a dead letter: what the store needs to show it and
// to add it again.

import { FlyshuttleError } from '../base/errors.js'
import { PRIORITIES } from '../base/priority.js'
import { DeathReason } from '../ring/job-ledger.js'
import type { Lane } from '../ring/queue-lane.js'
import { attemptOf } from '../ring/queue-layout.js'
import type { DeadLetter } from '../routing/dead-letter.js'
import type { JobRecord } from './job-record.js'
import { priorityOf } from './options.js'

/** A job that the caller has taken for burial; `thrown` is what its handler threw. */
export function letterOf(
  queue: string,
  lane: Lane,
  record: JobRecord,
  word: number,
  payload: Uint8Array,
  thrown: unknown,
  nowMs: number,
): DeadLetter {
  const attempts = attemptOf(word)
  return {
    reason: record.reason === DeathReason.Terminated ? 'term' : 'max-deliver',
    subject: queue,
    queue,
    attempts,
    error: thrown ?? errorOf(record.reason, queue, attempts),
    headers: record.headers,
    key: record.hasKey ? record.key : null,
    priority: PRIORITIES.indexOf(priorityOf(record.level)),
    source: lane.thread,
    codec: record.codec,
    typeId: record.typeId,
    payload,
    firstAtMs: Date.now() - (nowMs - record.addedMs),
    agent: '',
  }
}

/** Why the last delivery was the last, when no handler said so. */
function errorOf(reason: DeathReason, queue: string, attempt: number): FlyshuttleError | null {
  if (reason === DeathReason.TimedOut) {
    const wanted = 'it was not settled within its ackWaitMs'
    return new FlyshuttleError('ERR_JOB_LATE', { queue, found: attempt, wanted })
  }
  if (reason !== DeathReason.ThreadDied) return null
  const found = `while it handled a job of queue ${queue}`
  return new FlyshuttleError('ERR_THREAD_DIED', { thread: '(its consumer)', found })
}
