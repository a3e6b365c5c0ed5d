// FLYSHUTTLE_TRACE: prints what the engine tells through `node:diagnostics_channel`, one line each
// on stderr.
//
// Every thread of the engine starts its own. Lines are written straight to the descriptor: a
// worker's `process.stderr` goes through the main thread, which may be blocked, or gone before the
// last line.

import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { EVENT_NAMES, FIRST_ENGINE, threadName, type EventName } from '../base/events.js'

const STDERR = 2
const COLOURS: Record<EventName, number> = {
  attach: 32,
  close: 36,
  dead: 31,
  deadLetter: 35,
  full: 33,
  forgotten: 35,
  almostFull: 33,
  slow: 31,
}

let isStarted = false

/**
 * Starts printing on this thread, unless it has been started already. `wanted`: `1` for every
 * event, a list such as `attach,full`, or nothing. A name that is no event's is said once, by the
 * main thread.
 */
export function startTrace(wanted: string | undefined, thread: number): void {
  if (isStarted || wanted === undefined || wanted === '' || wanted === '0') return
  isStarted = true
  const names = wanted === '1' ? EVENT_NAMES : wanted.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !isEventName(name))
  if (unknown.length > 0 && thread === 0) {
    const known = EVENT_NAMES.join(', ')
    const found = unknown.map((name) => JSON.stringify(name)).join(', ')
    writeLine(`[flyshuttle] FLYSHUTTLE_TRACE names ${found}; wanted 1, or some of ${known}`)
  }
  const isColoured = isatty(STDERR) && !process.env['NO_COLOR']
  for (const name of names.filter(isEventName)) {
    subscribe(`flyshuttle:${name}`, (event) => {
      writeLine(traceLine(name, event as object, threadName(thread), new Date(), isColoured))
    })
  }
}

/** One line of a trace, without its end. */
export function traceLine(
  event: EventName,
  message: object,
  thread: string,
  time: Date,
  isColoured: boolean,
): string {
  const clock = time.toISOString().slice(11)
  const word = isColoured ? `\x1b[${COLOURS[event]}m${event}\x1b[0m` : event
  // Most processes have one engine, without a name.
  const told = Object.entries(message).filter(
    ([key, value]) => key !== 'engine' || value !== FIRST_ENGINE,
  )
  const fields = told.map(([key, value]) => ` ${key}=${textOf(value)}`)
  return `${clock} [${thread}] ${word}${fields.join('')}`
}

function isEventName(name: string): name is EventName {
  return (EVENT_NAMES as string[]).includes(name)
}

/** A field's value without spaces and line ends, unless it is quoted. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value)
}

function writeLine(line: string): void {
  try {
    writeSync(STDERR, `${line}\n`)
  } catch {
    // A pipe that does not keep up, or no descriptor at all: Node's stream knows what to do.
    process.stderr.write(`${line}\n`)
  }
}
