// The word that each subscription shares with its senders: whether its mailbox is full, and how
// much waits there.
//
//   bit 0      full: senders hold back, or pass it over
//   above it   messages that wait or are being handled; counted only where the policy of its queue
//              group asks for it

const FULL = 1
const WAITING_SHIFT = 1
/** As many as the word holds. */
const WAITING_MAX = 0x3fff_ffff

export function rowOf(isFull: boolean, waiting: number): number {
  return (Math.min(waiting, WAITING_MAX) << WAITING_SHIFT) | (isFull ? FULL : 0)
}

export function isFullRow(row: number): boolean {
  return (row & FULL) !== 0
}

export function waitingOf(row: number): number {
  return row >>> WAITING_SHIFT
}
