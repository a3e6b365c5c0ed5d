// What a worker thread runs: it joins the region, says that it is ready, and hosts agents until it
// is told to stop.
//
// Its bus holds the event loop for as long as the engine lives, so a thread without timers or
// sockets stays. When it is told to close it lets go, and the thread ends by itself.

import { parentPort, workerData } from 'node:worker_threads'
import { toRecord } from '../codec/error-record.js'
import { openRegion } from '../memory/region.js'
import { loadBinding } from '../native/load.js'
import { startTrace } from '../observe/trace.js'
import { takePlace } from '../placement/place.js'
import type { Slot } from '../placement/plan.js'
import { AgentHost } from './agent-host.js'
import { Bus } from './bus.js'
import type { ErrorContext, RegistryRequest, ThreadBoot, ThreadRequest } from './control.js'
import { SPAWN_TIMEOUT_MS_DEFAULT } from '../base/limits.js'
import { loadAgent } from './load-agent.js'

const boot = workerData as ThreadBoot
const { binding, reason } = boot.hasAddon ? loadBinding() : { binding: null, reason: null }
if (boot.hasAddon && binding === null) {
  // It would wait for wake-ups of a kind that nobody sends.
  throw new Error(`the main thread uses the addon, and here it does not load: ${reason}`)
}
const region = openRegion(boot.memory)
// First of all: what this thread allocates from now on comes from its own node.
const placed = takePlace(binding, region, boot.thread, boot.slots[boot.thread] as Slot)
startTrace(process.env['FLYSHUTTLE_TRACE'], boot.thread)
const closing = new AbortController()

const bus: Bus = new Bus(
  {
    ...boot,
    region,
    binding,
  },
  {
    takeIds: async () => (await ask({ op: 'ids' })) as number[],
    addSubscription: async (entry) => void (await ask({ op: 'subscribe', entry })),
    removeSubscription: async (id) => void (await ask({ op: 'unsubscribe', id })),
    onControl: (_, payload) => obey(payload as ThreadRequest),
    onError: report,
  },
)
const host = new AgentHost(bus, closing.signal)

function ask(request: RegistryRequest): Promise<unknown> {
  return bus.control(0, request, SPAWN_TIMEOUT_MS_DEFAULT)
}

let unreported = 0

function report(error: unknown, context: ErrorContext): void {
  try {
    bus.tell(0, { op: 'report', error: toRecord(error), context })
  } catch {
    // The main thread does not keep up, or the engine is closing: counted, and said here at last.
    if (unreported++ > 0) return
    const where = `[flyshuttle] thread ${boot.thread}, ${context.subject}`
    setTimeout(() => {
      console.error(`${where}: ${unreported} errors could not be reported, the first:`, error)
      unreported = 0
    }, 100)
  }
}

async function obey(request: ThreadRequest): Promise<unknown> {
  switch (request.op) {
    case 'start':
      return host.start(request.agent, await loadAgent(request.agent.name, request.agent.file))
    case 'stop':
      return host.stop(request.number)
    case 'closing':
      return closing.abort()
    case 'progress':
      return bus.progress()
    case 'close':
      try {
        await host.stopAll()
      } finally {
        setImmediate(() => bus.close())
      }
  }
}

// STEP adopt: the thread takes part already; the main thread hears of it last.
bus.hold(true)
parentPort?.postMessage(placed)
