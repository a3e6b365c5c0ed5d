// What a worker thread of the engine runs: it opens its part, says that it is ready, and hosts
// agents until it is told to stop.
//
// Its bus holds the event loop for as long as the engine lives, so a thread without timers or
// sockets stays. When it is told to close it lets go, and the thread ends by itself.

import { parentPort, workerData } from 'node:worker_threads'
import type { Slot } from '../placement/plan.js'
import type { ThreadBoot } from './control.js'
import { Member } from './member.js'
import { enterEngine } from './memberships.js'

const boot = workerData as ThreadBoot
enterEngine(boot.engineId)
const { bus, placed } = new Member(boot, boot.slots[boot.thread] as Slot)
// STEP adopt: the thread takes part already; the main thread hears of it last.
bus.hold(true)
parentPort?.postMessage(placed)
