// How an engine's threads are brought to an end, in order: told, drained, stopped, let go.
//
// Each step goes on with those threads that did the last one in their share of the time, so one
// that is stuck costs its share and no more. The engine ends what is left afterwards.

import { FlyshuttleError } from '../base/errors.js'
import type { QueueDirectory } from '../queue/directory.js'
import type { AgentHost } from './agent-host.js'
import type { Bus } from './bus.js'
import type { ThreadRequest } from './control.js'
import type { Place } from './threads.js'
import { withDeadline } from './with-deadline.js'

const ENDS = '(the end of agents and threads)'

export interface Closing {
  /** Of the main thread, which closes last and by itself. */
  readonly bus: Bus
  readonly agents: AgentHost
  /** Those of all other threads. */
  readonly places: readonly Place[]
  readonly queues: QueueDirectory
  onError(error: unknown, thread: number): void
}

/** One thread's answer to "is anything still under way?". */
interface Progress {
  readonly frames: number
  readonly isIdle: boolean
}

export async function closeThreads(closing: Closing, timeoutMs: number): Promise<void> {
  const { bus, agents, places, onError } = closing
  const deadlineMs = bus.clock.nowMs() + timeoutMs
  bus.streaming.stopProducing()
  // Whole: they stand in errors.
  const leftMs = (parts = 1): number =>
    Math.max(1, Math.ceil((deadlineMs - bus.clock.nowMs()) / parts))
  const alive = new Set(places)
  const tellAll = (request: ThreadRequest, limitMs: number): Promise<unknown[]> =>
    Promise.all([...alive].map((place) => tell(closing, place, request, limitMs, alive)))
  const ending = (work: Promise<unknown>, limitMs: number): Promise<unknown> =>
    withDeadline(ENDS, work, limitMs).catch((error: unknown) => onError(error, 0))
  await tellAll({ op: 'closing' }, leftMs(4))
  await settle(bus, () => tellAll({ op: 'progress' }, leftMs(4)), leftMs(2))
  // No consumer takes another job, and what waits to be added is refused: handlers may wait for it.
  bus.queues.close()
  await ending(agents.stopAll(), leftMs(2))
  for (const place of places) place.isClosing = true
  await tellAll({ op: 'close' }, leftMs(2))
  await ending(Promise.all([...alive].map((place) => place.ended)), leftMs())
  for (const { name, jobs } of closing.queues.left) {
    const found = `handling ${jobs} jobs of queue ${name}`
    onError(new FlyshuttleError('ERR_CLOSED', { found }), 0)
  }
}

/** Waits until nothing is under way anywhere: two looks in a row with no message in between. */
async function settle(bus: Bus, look: () => Promise<unknown[]>, limitMs: number): Promise<void> {
  const untilMs = bus.clock.nowMs() + limitMs
  let previous = -1
  while (bus.clock.nowMs() < untilMs) {
    const all = [...(await look()), bus.progress()] as Progress[]
    const frames = all.reduce((sum, progress) => sum + progress.frames, 0)
    if (frames === previous && all.every(({ isIdle }) => isIdle)) return
    previous = frames
    // What lies in our own inbox is handled by a turn of the loop, and by nothing else.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Asks a thread to take a step of closing; one that does not is left out of the next. */
async function tell(
  { bus, onError }: Closing,
  place: Place,
  request: ThreadRequest,
  timeoutMs: number,
  alive: Set<Place>,
): Promise<unknown> {
  try {
    return await bus.control(place.thread, request, timeoutMs)
  } catch (error) {
    const { code } = error as FlyshuttleError
    // An agent that fails to stop is an error, but its thread goes on; a dead one is closed.
    if (code !== 'ERR_AGENT_STOP') alive.delete(place)
    if (code !== 'ERR_THREAD_DIED') onError(error, place.thread)
    return { frames: 0, isIdle: true } satisfies Progress
  }
}
