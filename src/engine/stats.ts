// `engine.stats()`: the counters of the whole region as one plain object, with the names that the
// main thread knows.

import type { Clock } from '../base/clock.js'
import { threadName } from '../base/events.js'
import { readLink, readThread, type LinkStats, type ThreadCounts } from '../counters/snapshot.js'
import { SubjectCounters, SubjectOutcome } from '../counters/subject-counters.js'
import { EngineState, HEADER_STATE, Lane, ThreadState } from '../memory/layout.js'
import { stateOf, type Region } from '../memory/region.js'
import type { QueueStats } from '../queue/directory.js'
import type { SubjectOverflow, SubjectPolicy } from '../routing/subject-rules.js'
import type { EngineBoot } from './control.js'
import type { Fleet } from './fleet.js'
import { subjectInHand } from './in-hand.js'
import type { DeadLetterInfo } from './letters.js'
import { isTaken, type Place } from './threads.js'

/** What `engine.stats()` returns. Figures are each a moment old, and not all of the same moment. */
export interface EngineStats {
  readonly state: 'open' | 'closing' | 'closed'
  /** When it was taken, ms of the machine's monotonic clock. */
  readonly atMs: number
  /** Every thread that takes part or took part, the main thread first. */
  readonly threads: readonly ThreadStats[]
  /** Every lane of every link that has carried anything. */
  readonly links: readonly LinkStats[]
  readonly deadLetters: DeadLetterInfo
  /** Every work queue, in the order in which they were made. */
  readonly queues: readonly QueueStats[]
  /** One for each pattern of the option `subjects`, in that order; last all others, as '>'. */
  readonly subjects: readonly SubjectStats[]
}

/** What became of messages that found no room, on all threads, since the engine started. */
export interface SubjectStats {
  readonly pattern: string
  readonly overflow: SubjectOverflow
  /** Messages that had to wait at their sender. */
  readonly waited: number
  /** Messages that were refused with ERR_BACKPRESSURE. */
  readonly rejected: number
  /** Messages that the rule dropped: those that came, and those that had waited. */
  readonly droppedNewest: number
  readonly droppedOldest: number
  /** Messages whose `ttlMs` passed while they waited at their sender. */
  readonly expired: number
  /** Times that a lossy receiver, a thread or a queue group, went without a message. */
  readonly skipped: number
}

export interface ThreadStats extends ThreadCounts {
  /** As in `engine.threads`. */
  readonly index: number
  /** `main`, or the name of the worker as debuggers show it. */
  readonly name: string
  /** Which life of its place this is, from 1. */
  readonly incarnation: number
  /**
   * `running`: in its turn of the loop, or in anything else that keeps the loop; `sleeping`:
   * waiting for work; `dead`: ended without being told to; `closed`: ended in order.
   */
  readonly state: 'running' | 'sleeping' | 'dead' | 'closed'
  /**
   * For how long, ms: a thread that is `running` for seconds is stuck. 0 for one that has ended,
   * and for the main thread, which asks.
   */
  readonly stateMs: number
  /** Names of the agents that live on it. */
  readonly agents: readonly string[]
  /**
   * Subject of the message that is being handled right now, or was when the thread died; null for
   * none. `(reply)`, `(control)` and `(flow)` are the engine's own.
   */
  readonly handling: string | null
}

const ENGINE_STATES = { [EngineState.Open]: 'open', [EngineState.Closing]: 'closing' } as const

export function statsOf(
  region: Region,
  { subjects }: EngineBoot,
  clock: Clock,
  places: readonly Place[],
  fleet: Fleet,
  deadLetters: DeadLetterInfo,
  queues: QueueStats[],
): EngineStats {
  const nowMs = clock.nowMs()
  // SYNC engine-state: pairs with engine-state in Door.close.
  const state = Atomics.load(region.views.i32, HEADER_STATE >>> 2)
  const used = places.filter(({ thread, incarnation }) => thread === 0 || incarnation > 0)
  const threads = used.map((place) => threadStats(region, nowMs, place, fleet, state))
  const links: LinkStats[] = []
  for (const { thread: from } of used) {
    for (const { thread: to } of used) {
      for (const lane of [Lane.Urgent, Lane.Bulk]) {
        const link = readLink(region, from, to, lane)
        if (link !== null) links.push(link)
      }
    }
  }
  return {
    state: ENGINE_STATES[state as keyof typeof ENGINE_STATES] ?? 'closed',
    atMs: nowMs,
    threads,
    links,
    deadLetters,
    queues,
    subjects: subjectStats(subjects, region.layout.threads),
  }
}

function subjectStats({ rules, counts }: SubjectPolicy, threads: number): SubjectStats[] {
  const counters = Array.from(
    { length: threads },
    (_, thread) => new SubjectCounters(counts, thread, rules.length),
  )
  return rules.map(({ index, pattern, overflow }) => {
    const sumOf = (outcome: SubjectOutcome): number =>
      counters.reduce((sum, counter) => sum + counter.read(index, outcome), 0)
    return {
      pattern,
      overflow,
      waited: sumOf(SubjectOutcome.Waited),
      rejected: sumOf(SubjectOutcome.Rejected),
      droppedNewest: sumOf(SubjectOutcome.DroppedNewest),
      droppedOldest: sumOf(SubjectOutcome.DroppedOldest),
      expired: sumOf(SubjectOutcome.Expired),
      skipped: sumOf(SubjectOutcome.Skipped),
    }
  })
}

function threadStats(
  region: Region,
  nowMs: number,
  place: Place,
  fleet: Fleet,
  engineState: number,
): ThreadStats {
  const { thread } = place
  const { isSleeping, sinceMs, ...counts } = readThread(region, thread, nowMs)
  const end = endOf(region, place, engineState)
  // Whoever asks is thread 0, and awake.
  const isAsleep = isSleeping && thread !== 0
  return {
    index: thread,
    name: threadName(thread),
    incarnation: Math.max(1, place.incarnation),
    state: end ?? (isAsleep ? 'sleeping' : 'running'),
    stateMs: end === null && thread !== 0 ? sinceMs : 0,
    agents: fleet.namesOn(place),
    handling: end === 'closed' ? null : subjectInHand(region, thread),
    ...counts,
  }
}

/** How a thread has ended, or null: it lives. */
function endOf(region: Region, place: Place, engineState: number) {
  const { thread } = place
  if (thread === 0) return engineState === EngineState.Closed ? 'closed' : null
  if (stateOf(region, thread) === ThreadState.Dead) return place.hasLeft ? 'closed' : 'dead'
  return isTaken(place) ? null : 'closed'
}
