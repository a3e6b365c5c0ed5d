// A message on its way from `publish` or `request` to one or more links: what its frames will say,
// and its payload as bytes. Parcels that find no room wait in the sender's heap and are written
// later, in order.

import type { LoanedBlock } from './loaned.js'
import type { LinkWriter } from '../link/outbox.js'
import { CodecId } from '../base/codec-id.js'
import type { Packed } from '../codec/compression.js'
import { PLAIN, type Envelope } from './envelope.js'
import type { MessageKeys } from './key.js'
import { NONE_ASKED, type Passed } from './wanted.js'

/** A request that waits for its reply. The sender notes here who got it. */
export interface AwaitedRequest {
  readonly counter: number
  readonly deadlineMs: number
  /** Thread that the request was written to; -1 until then. */
  thread: number
  /** Which life of that thread. */
  incarnation: number
  /** No longer waited for: do not send it any more. */
  isSettled: boolean
  /** Ends the wait with an error, unless it has ended already. */
  fail(error: unknown): void
}

export interface Parcel {
  codec: CodecId
  typeId: number
  agent: number
  envelope: Envelope
  /** What the filters of the route said when it was published. */
  passed: Passed
  /** Of a message that waits: filters whose threads get it and ask themselves. */
  readonly unasked: Passed
  /** By which queue groups with key affinity choose; null when no group of the route does. */
  keys: MessageKeys | null
  /** The payload, owned by the parcel. */
  readonly payload: Uint8Array
  /** The block that holds the payload instead, or null. */
  readonly loan: LoanedBlock | null
  /** The payload is compressed: how. */
  packed: Packed | null
  /** Null for a publish. */
  request: AwaitedRequest | null
  /** Parts that may come in reply: 0 for one reply of several, -1 for the only one. */
  credit: number
  /** Told when the parcel has been written, or never will be. For `send`. */
  settle: ((error: unknown) => void) | null
  /** Writes as many messages as there is room for; true when all are. Null: it is one message. */
  readonly feed: (() => boolean) | null
  /** Links whose overflow this parcel counts against. */
  readonly charged: readonly LinkWriter[]
}

export const NO_LINKS: readonly LinkWriter[] = []
const EMPTY = new Uint8Array(0)

/** One that says nothing: a sender fills the same one for each message that need not wait. */
export function emptyParcel(): Parcel {
  return {
    codec: CodecId.None,
    typeId: 0,
    agent: 0,
    envelope: PLAIN,
    passed: NONE_ASKED,
    unasked: NONE_ASKED,
    keys: null,
    payload: EMPTY,
    loan: null,
    packed: null,
    request: null,
    credit: -1,
    settle: null,
    feed: null,
    charged: NO_LINKS,
  }
}
