// What differs between the frames that emitters write (`struct-source.ts`): publishes, requests and
// replies. Their layout is that of `ring/frame.ts`.

import { FRAME_HEADER_BYTES } from '../base/limits.js'

/** Pieces of source. They may use the lane's names, `word` and `start`: where the frame begins. */
export interface FrameSource {
  readonly name: string
  readonly parameters: string
  /** What stands before the payload, in bytes: a multiple of 8. */
  readonly bytesBefore: number
  /** Names that only lanes of this kind have. */
  readonly lane: string
  /** An expression: whether nothing may be written now, whatever room there is. */
  readonly obstacle: string
  /** Stores all words before the payload but 0 and 3. */
  readonly stores: string
}

export const PUBLISH_FRAME: FrameSource = {
  name: 'emit',
  parameters: 'value, agent',
  bytesBefore: FRAME_HEADER_BYTES,
  lane: 'sourceShift, versionIndex, fullIndex, subjectId',
  obstacle: 'i32[versionIndex] !== gate[0] || i32[fullIndex] !== 0',
  stores: `i32[word + 1] = word1 | (agent << sourceShift)
i32[word + 2] = subjectId`,
}

/** To one responder, which words 1 and 2 of the gate name. */
export const REQUEST_FRAME: FrameSource = {
  name: 'emitRequest',
  parameters: 'value, agent, request',
  bytesBefore: FRAME_HEADER_BYTES + 24,
  lane: `${PUBLISH_FRAME.lane}, stateIndex, stateAlive, incarnation`,
  obstacle: `${PUBLISH_FRAME.obstacle} || i32[stateIndex] !== stateAlive`,
  stores: `${PUBLISH_FRAME.stores}
i32[word + 4] = gate[1]
i32[word + 5] = gate[2]
i32[word + 6] = incarnation
i32[word + 7] = request.counter
f64[(start >>> 3) + 4] = request.deadlineMs`,
}

/** Word 0 of the gate says whether earlier replies still wait for room. */
export const REPLY_FRAME: FrameSource = {
  name: 'emitReply',
  parameters: 'value, ticket',
  bytesBefore: FRAME_HEADER_BYTES + 8,
  lane: '',
  obstacle: 'gate[0] !== 0',
  stores: `i32[word + 1] = word1
i32[word + 2] = 0
i32[word + 4] = ticket.incarnation
i32[word + 5] = ticket.counter`,
}
