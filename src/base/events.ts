// What the engine tells through `node:diagnostics_channel`: rare events, as plain objects, on the
// thread where they happen.
//
// Nobody listens as a rule, so a message is built only when somebody does. It is told in a
// microtask: a listener may do what it likes, also publish, and the event came up in the middle of
// a message.

import { channel } from 'node:diagnostics_channel'

export interface OfThread {
  /** Name of the engine: a process may have several. */
  readonly engine: string
  /** Index of the thread that it is about. */
  readonly thread: number
  /** Its name: `main`, or that of the worker. */
  readonly name: string
}

/** `flyshuttle:attach`: a thread takes part. Told on that thread. */
export interface AttachEvent extends OfThread {
  /** Which life of its place it is, from 1. */
  readonly incarnation: number
  /** Whether it uses the native addon. */
  readonly addon: boolean
}

/** `flyshuttle:close`: a thread has left in an orderly way. Told on that thread. */
export interface CloseEvent extends OfThread {
  readonly incarnation: number
  /** Messages that still waited for room, and are lost. */
  readonly dropped: number
}

/** `flyshuttle:dead`: a worker ended without being told to. Told on the main thread. */
export interface DeadEvent extends OfThread {
  readonly incarnation: number
  readonly reason: string
  /** Names of the agents that lived on it. */
  readonly agents: readonly string[]
}

/** `flyshuttle:full`, told on the sending thread: a ring has no room for a message. */
export interface LinkFullEvent extends OfThread {
  readonly what: 'link'
  /** Index of the receiving thread. */
  readonly to: number
  readonly lane: 'urgent' | 'bulk'
  readonly wantedBytes: number
  readonly freeBytes: number
  readonly ringBytes: number
}

/**
 * `flyshuttle:full`, told on the receiving thread: a subscription's mailbox is at its limit. As
 * `flyshuttle:almostFull`: three quarters of that wait.
 */
export interface MailboxFullEvent extends OfThread {
  readonly what: 'mailbox'
  /** Its pattern. */
  readonly subject: string
  /** Name of the agent it belongs to; '' for the thread itself. */
  readonly agent: string
  /** The limit, in messages. */
  readonly messages: number
}

/** `flyshuttle:deadLetter`: a message was given up. Told on the main thread, which keeps them. */
export interface DeadLetterEvent extends OfThread {
  /** What `engine.deadLetters` knows it by; 0 when the store had no room and dropped it. */
  readonly id: number
  readonly reason: string
  readonly subject: string
  /** The work queue that it comes from; '' for a publish. */
  readonly queue: string
  /** Name of the agent that had it; '' for the thread itself. */
  readonly agent: string
  readonly attempts: number
  /** Message of the last error; '' for none. */
  readonly error: string
}

/** `flyshuttle:forgotten`, told on that thread: a lease or loan was never released. */
export interface ForgottenEvent extends OfThread {
  readonly what: 'lease' | 'loan'
  /** Of the message; null for a loan. */
  readonly subject: string | null
  readonly bytes: number
}

/** `flyshuttle:almostFull`, told on the sending thread: three quarters of a ring are taken. */
export interface LinkAlmostFullEvent extends OfThread {
  readonly what: 'link'
  readonly to: number
  readonly lane: 'urgent' | 'bulk'
  readonly freeBytes: number
  readonly ringBytes: number
}

/**
 * `flyshuttle:almostFull`, told on the sending thread: so much waits in the overflow buffer of a
 * link that `publish` will soon throw ERR_BACKPRESSURE.
 */
export interface OverflowAlmostFullEvent extends OfThread {
  readonly what: 'overflow'
  readonly to: number
  readonly lane: 'urgent' | 'bulk'
  readonly overflowBytes: number
  /** At which it is full. */
  readonly limitBytes: number
}

/** How far behind a consumer is. */
export interface Lag {
  /** Messages that wait. */
  readonly messages: number
  /** Bytes that wait for its thread in rings and at senders; of a link, in that one. */
  readonly bytes: number
  /** For how long it has been behind, ms: at least so long. */
  readonly ms: number
}

/** `flyshuttle:slow`, told on the receiving thread: a handler does not keep up. */
export interface SlowMailboxEvent extends OfThread {
  readonly what: 'mailbox'
  /** Pattern of the subscription. */
  readonly subject: string
  /** Name of the agent it belongs to; '' for the thread itself. */
  readonly agent: string
  readonly lag: Lag
}

/** `flyshuttle:slow`, told on a sending thread: a thread does not read. It is the slow one. */
export interface SlowLinkEvent extends OfThread {
  readonly what: 'link'
  /** Index of the thread that tells. */
  readonly from: number
  /** Subject of the message that the slow thread has in hand; null when that is none. */
  readonly subject: string | null
  readonly lag: Lag
}

/** Event → message. The channel of an event is `flyshuttle:` and its name. */
export interface DiagnosticEvents {
  attach: AttachEvent
  close: CloseEvent
  dead: DeadEvent
  deadLetter: DeadLetterEvent
  full: LinkFullEvent | MailboxFullEvent
  forgotten: ForgottenEvent
  almostFull: LinkAlmostFullEvent | OverflowAlmostFullEvent | MailboxFullEvent
  slow: SlowMailboxEvent | SlowLinkEvent
}

export type EventName = keyof DiagnosticEvents

const CHANNELS = {
  attach: channel('flyshuttle:attach'),
  close: channel('flyshuttle:close'),
  dead: channel('flyshuttle:dead'),
  deadLetter: channel('flyshuttle:deadLetter'),
  full: channel('flyshuttle:full'),
  forgotten: channel('flyshuttle:forgotten'),
  almostFull: channel('flyshuttle:almostFull'),
  slow: channel('flyshuttle:slow'),
} as const

export const EVENT_NAMES = Object.keys(CHANNELS) as EventName[]

/** Whether anybody would hear. */
export function hasListeners(name: EventName): boolean {
  return CHANNELS[name].hasSubscribers
}

/** Builds the message and tells it, if anybody listens. */
export function tell<N extends EventName>(name: N, build: () => DiagnosticEvents[N]): void {
  const listeners = CHANNELS[name]
  if (!listeners.hasSubscribers) return
  const message = build()
  queueMicrotask(() => listeners.publish(message))
}

/** What the first engine of a process is called, unless it is given a name. */
export const FIRST_ENGINE = 'engine 1'

/** The fields that all events have. */
export function ofThread(engine: string, thread: number): OfThread {
  return { engine, thread, name: threadName(thread) }
}

/** What a thread is called in its worker's name, in events and in `engine.stats()`. */
export function threadName(thread: number): string {
  return thread === 0 ? 'main' : `flyshuttle ${thread}`
}
