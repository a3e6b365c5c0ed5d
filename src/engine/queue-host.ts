// Work queues, joined to the rest of the engine: what the queues of a thread need of its bus, and
// what thread 0 answers.

import type { Clock } from '../base/clock.js'
import { PRIORITIES } from '../base/priority.js'
import type { ChunkPool } from '../link/chunk-pool.js'
import type { Region } from '../memory/region.js'
import type { CopyBytes } from '../native/copying.js'
import { QueueDirectory } from '../queue/directory.js'
import type { QueuePlace } from '../queue/options.js'
import { Queues } from '../queue/queues.js'
import type { DeadLetterSink } from '../routing/dead-letter.js'
import { readPayload, stagePayload } from '../routing/letter-payload.js'
import { PayloadDecoder } from '../routing/payload-decoder.js'
import type { Sender } from '../routing/sender.js'
import { checkSubject } from '../routing/subject.js'
import type { QueueRequest } from './control.js'
import type { AddAgain, LetterOffice } from './letter-office.js'

/** What the queues of a thread need of its bus. */
export interface QueueBus {
  readonly thread: number
  readonly clock: Clock
  readonly sender: Sender
  readonly letters: DeadLetterSink
  hold(isHeld: boolean): void
  wake(thread: number): void
}

/** And of the engine around it. */
export interface QueueAsker {
  /** Asks thread 0 about work queues. */
  askQueues(request: QueueRequest): Promise<unknown>
}

export function createQueues(
  bus: QueueBus,
  host: QueueAsker,
  parts: {
    readonly region: Region
    readonly incarnation: number
    readonly pool: ChunkPool
    readonly copyBytes: CopyBytes | null
    report(error: unknown, queue: string): void
  },
): Queues {
  const { region, incarnation, pool, copyBytes, report } = parts
  return new Queues(
    {
      region,
      thread: bus.thread,
      incarnation,
      clock: bus.clock,
      pool,
      stage: bus.sender.stage,
      decoder: new PayloadDecoder(region, copyBytes),
      wake: (to) => bus.wake(to),
      hold: (isHeld) => bus.hold(isHeld),
      openQueue: async (wish) => (await host.askQueues({ op: 'queue', wish })) as QueuePlace,
      bury: (letter) => bus.letters.bury(letter),
      report,
    },
    (name) => void checkSubject(name),
  )
}

/** Adds the letters of a queue to it again, as they were encoded. */
function addAgainTo(queues: Queues, region: Region): AddAgain {
  return (letter, headers) => {
    const value = readPayload(region, letter)
    const { key, priority } = letter
    const options = {
      headers,
      priority: PRIORITIES[priority] ?? 'normal',
      ...(key === null ? {} : { key }),
    }
    return queues.addStaged(letter.queue, options, (stage) =>
      stagePayload(region, stage, letter, value),
    )
  }
}

/** The directory of an engine; dead jobs are added again to the queues that it has made. */
export function createDirectory(
  region: Region,
  bus: QueueBus & { readonly queues: Queues },
  office: LetterOffice,
): QueueDirectory {
  const addAgain = addAgainTo(bus.queues, region)
  return new QueueDirectory(
    region,
    () => bus.clock.nowMs(),
    (name) => void office.connect(name, addAgain),
  )
}
