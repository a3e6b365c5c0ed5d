// What a thread is said to have in hand: by every kind of frame, with the blocks that `frame.ts`
// draws between its header and its subject.

import { describe, expect, test } from 'vitest'
import { subjectInHand } from '../../src/engine/in-hand.js'
import { DictionaryWriter } from '../../src/memory/dictionary.js'
import { Lane } from '../../src/memory/layout.js'
import { FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../../src/ring/frame.js'
import { inboxOf, outboxOf, smallRegion } from '../link/small-region.js'

const { Target, Correlation, Deadline, Stream, InlineSubject, Failed } = FrameFlag
const REQUEST = Target | Correlation | Deadline

interface Frame {
  readonly kind: FrameKind
  readonly flags: number
  /** Word 2: of the subject, the number or, inline, the length. */
  readonly word2: number
  readonly inline?: string
}

/** What thread 1 is said to have in hand while it handles a frame from thread 0. */
function inHand({ kind, flags, word2, inline = '' }: Frame, known: string[] = []): string | null {
  const region = smallRegion(2)
  const dictionary = new DictionaryWriter(region, 0)
  for (const subject of known) dictionary.subjectId(subject)
  const { outbox } = outboxOf(region, 0)
  const link = outbox.link(1, Lane.Bulk)
  const blocks = [Target, Correlation, Deadline, Stream].filter((flag) => (flags & flag) !== 0)
  const at = 16 + 8 * blocks.length
  const bytes = at + ((inline.length + 7) & -8) + 8
  const start = link.ring.claim(bytes)
  const { i32, buffer } = region.views
  buffer.fill(0xee, start + 16, start + bytes)
  i32[start >>> 2] = bytes | (kind << FRAME_KIND_SHIFT)
  i32[(start >>> 2) + 1] = flags
  i32[(start >>> 2) + 2] = word2
  buffer.write(inline, start + at, 'latin1')
  link.ring.commit()
  outbox.flush(link)
  const { inbox, log } = inboxOf(region, 1)
  let subject: string | null = 'nothing was drained'
  log.onEach = () => {
    subject = subjectInHand(region, 1)
  }
  inbox.drain()
  expect(subjectInHand(region, 1)).toBe(null)
  return subject
}

describe('the subject in hand', () => {
  test('of a message is looked up by its number', () => {
    const frame = { kind: FrameKind.Publish, flags: 0, word2: 2 }
    expect(inHand(frame, ['first', 'second'])).toBe('second')
  })

  test.each([
    ['a message', FrameKind.Publish, 0],
    ['a message for one of a group, which expires', FrameKind.Publish, Target | Deadline],
    ['a request', FrameKind.Request, REQUEST],
    ['a request for several replies or parts', FrameKind.Request, REQUEST | Stream],
  ])('of %s is found where it travels inline', (_, kind, flags) => {
    const inline = 'a.subject.that.no.dictionary.holds'
    const frame = { kind, flags: flags | InlineSubject, word2: inline.length, inline }
    expect(inHand(frame)).toBe(inline)
  })

  test.each([
    ['(reply)', FrameKind.Reply, Correlation],
    ['(reply)', FrameKind.Reply, Correlation | Stream | Failed],
    ['(control)', FrameKind.Control, 0],
    ['(flow)', FrameKind.Flow, Correlation | Stream],
  ])('of what has none is %s', (wanted, kind, flags) => {
    // Word 2 says other things there.
    expect(inHand({ kind, flags, word2: 1 }, ['wrong', 'wrong'])).toBe(wanted)
  })
})
