// What every fail-point calls. It counts, and when its turn has come it ends the thread right
// there: by `process.exit`, or by standing still until somebody terminates the thread.
//
// The words are in memory that all threads share, handed on as environment data.

import { getEnvironmentData, workerData } from 'node:worker_threads'

/** The thread that dies. Thread 0 is the process, thread 1 must not suffer. */
export const VICTIM = 2
export const How = { Exit: 0, Terminate: 1 }
export const Word = {
  /** Point at which the victim dies; -1 for none. */
  Armed: 0,
  /** Passages of that point until then. */
  Countdown: 1,
  How: 2,
  /** 1 when it was reached. */
  Reached: 3,
  /** By sender (0 and 1): the last number that the victim has handled, whoever was the victim. */
  Handled: 4,
  /** How many messages this victim has surely flushed, to each of the others. */
  Flushed: 6,
  /** 1 when a message was handled by two victims, or twice by one. */
  Twice: 7,
  /** Bursts that the witness has ended; in words, so that asking does not wake it. */
  WitnessBursts: 8,
  /** From here on, by point and thread: how often it was passed. */
  Counts: 9,
}
export const THREADS = 3

const thread = workerData?.thread ?? 0
/** None while a thread is not part of such a test. */
export const words = getEnvironmentData('fail-points') ?? new Int32Array(65_536)

export function pass(id) {
  Atomics.add(words, Word.Counts + id * THREADS + thread, 1)
  if (thread !== VICTIM || Atomics.load(words, Word.Armed) !== id) return
  if (Atomics.sub(words, Word.Countdown, 1) !== 1) return
  Atomics.store(words, Word.Armed, -1)
  Atomics.store(words, Word.Reached, 1)
  Atomics.notify(words, Word.Reached)
  if (Atomics.load(words, Word.How) === How.Exit) process.exit(1)
  // Not a step further: in a worker `process.exit` returns, and V8 ends the thread a little later.
  for (;;);
}
