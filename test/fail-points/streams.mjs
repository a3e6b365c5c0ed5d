// What the threads of the fail-point tests say to each other, and how they check it.
//
//   main (0) ◄──► victim (2) ◄──► witness (1)      numbered messages and requests, in bursts
//
// A lane is one sender's life: 0 for main, 1 for the witness, and a new one for each victim. Within
// a lane, numbers count up without a gap; a lane may begin late (nobody listened) and end anywhere.

import { message, raw, u32, utf8 } from 'flyshuttle'

/** More than the smallest ring holds, so that some of a burst has to wait for room. */
export const FRAMES = 150
const REQUESTS = 4
/** Large messages of a burst, to everybody who gets them: more than there are blocks for. */
const LARGE = 4
/** More than a frame of these rings carries. */
const LARGE_BYTES = 10_000
const fields = { lane: u32, sequence: u32, sum: u32, text: utf8(120) }

export const ToVictim = message('to.victim', fields)
export const ToWitness = message('to.witness', fields)
export const ToMain = message('to.main', fields)

/** Large messages; what they hold is one byte, so often. */
export const LargeToVictim = message('large.to.victim', raw)
export const LargeFromVictim = message('large.from.victim', raw)

/** Sends some that are copied into blocks, and one that is filled in its block. */
export async function sendLarge(endpoint, message, value) {
  const bytes = new Uint8Array(LARGE_BYTES).fill(value)
  const sending = Array.from({ length: LARGE }, () => endpoint.send(message, bytes))
  const loan = await endpoint.loanWhenFree(LARGE_BYTES, { timeoutMs: 60_000 })
  loan.bytes.fill(value)
  endpoint.publishLoan(message, loan)
  await Promise.all(sending)
}

/** What is wrong with a large message, or null. */
export function tornBytes(bytes) {
  const [first] = bytes
  const isWhole = bytes.length === LARGE_BYTES && bytes.every((byte) => byte === first)
  return isWhole ? null : `${bytes.length} bytes, not all of them ${first}`
}

/** How a request to a victim may end. */
export const OUTCOMES = ['answered', 'ERR_RESPONDER_DIED', 'ERR_NO_RESPONDERS']

export function make(lane, sequence) {
  return { lane, sequence, sum: checksum(lane, sequence), text: textOf(sequence) }
}

/** About a hundred bytes. */
function textOf(sequence) {
  return String(sequence).padEnd(100, '.')
}

function checksum(lane, sequence) {
  return (Math.imul(sequence ^ 0x9e3779b9, 0x85ebca6b) + lane) >>> 0
}

/** Checks what arrives, lane by lane. */
export class Checker {
  /** What was wrong first, or null. */
  wrong = null
  /** Lane → the number that must come next. */
  #next = new Map()

  check({ lane, sequence, sum, text }) {
    const next = this.#next.get(lane) ?? sequence
    this.#next.set(lane, sequence + 1)
    if (sequence !== next) this.wrong ??= `lane ${lane}: ${sequence} came, ${next} was due`
    const isWhole = sum === checksum(lane, sequence) && text === textOf(sequence)
    if (!isWhole) this.wrong ??= `lane ${lane}: ${sequence} is torn`
  }

  /** The number that is due in a lane; 0 when nothing has come. */
  next(lane) {
    return this.#next.get(lane) ?? 0
  }
}

/** What main and the witness do in a burst: a stream to the victim, and requests. */
export async function talkToVictim(endpoint, talk) {
  for (let n = 0; n < FRAMES; n++) endpoint.publish(ToVictim, make(talk.lane, talk.sequence++))
  const asked = Array.from({ length: REQUESTS }, async (_, n) => {
    const reply = await endpoint.request('victim.echo', n, { timeoutMs: 60_000 })
    if (reply !== n) throw Object.assign(new Error('wrong reply'), { code: `reply ${reply}` })
  })
  endpoint.flush()
  for (const { status, reason } of await Promise.allSettled(asked)) {
    const outcome = status === 'fulfilled' ? 'answered' : (reason.code ?? String(reason))
    talk.outcomes.add(outcome)
  }
  await sendLarge(endpoint, LargeToVictim, talk.lane)
  await endpoint.drained(ToVictim)
}

export function createTalk(lane) {
  return { lane, sequence: 0, outcomes: new Set() }
}
