// Letters of workers, which come in parts, late, and more than once.

import { serialize } from 'node:v8'
import { describe, expect, test } from 'vitest'
import { CodecId } from '../../src/base/codec-id.js'
import { LETTER_BYTES_MAX } from '../../src/base/limits.js'
import { LetterOffice, type PostedLetter } from '../../src/engine/letter-office.js'
import { checkLetterOptions, type DeadLetterOptions } from '../../src/routing/letter-store.js'
import { World } from '../routing/world.js'

const PART_BYTES = 64
const WORKER = 1

function officeOf(options: DeadLetterOptions = {}): LetterOffice {
  const world = new World(2)
  return new LetterOffice(world.region, world.thread(0).sender, checkLetterOptions(options))
}

function blobOf(subject: string, more: Partial<PostedLetter> = {}): Buffer {
  const letter: PostedLetter = {
    ...{ reason: 'handler-error', subject, queue: '', attempts: 1, error: null, lost: 0 },
    ...{ headers: {}, key: null, priority: 0, source: 0, codec: CodecId.Raw, typeId: 0 },
    ...{ payload: new Uint8Array(100).fill(7), firstAtMs: 1, agent: 'a' },
    ...more,
  }
  return serialize(letter)
}

/** Hands in the parts of a letter, each of them `times` times. */
function send(office: LetterOffice, blob: Buffer, number: number, times = 1, life = 1): void {
  for (let from = 0; from < blob.length; from += PART_BYTES) {
    const bytes = new Uint8Array(blob.subarray(from, from + PART_BYTES))
    const part = { incarnation: life, number, from, total: blob.length, bytes }
    for (let n = 0; n < times; n++) office.obey(WORKER, { op: 'bury', part })
  }
}

const subjectsIn = async (office: LetterOffice): Promise<string[]> => {
  const list = await office.ask({ what: 'list', filter: {}, after: 0, limit: 100 })
  return list.map(({ subject }) => subject)
}

describe('a letter in parts', () => {
  test('is kept once, whole, however often its parts come', async () => {
    const office = officeOf()
    send(office, blobOf('one'), 1, 2)
    // All of it again: the answer to its last part was late.
    send(office, blobOf('one'), 1)
    send(office, blobOf('two', { lost: 3 }), 2)
    expect(await subjectsIn(office)).toEqual(['one', 'two'])
    expect(office.info).toMatchObject({ buried: 2, lost: 3 })
    const { bytes, total } = await office.ask({ what: 'read', id: 1, from: 0 })
    expect(bytes).toHaveLength(total)
  })

  test('of a successor is another, whatever its number', async () => {
    const office = officeOf()
    send(office, blobOf('of the first'), 1)
    send(office, blobOf('of its successor'), 1, 1, 2)
    expect(await subjectsIn(office)).toEqual(['of the first', 'of its successor'])
  })

  test('that was refused is refused again to whoever asks again, and counted once', async () => {
    const office = officeOf({ letters: 1, overflow: 'reject' })
    send(office, blobOf('one'), 1)
    const full = expect.objectContaining({ code: 'ERR_DEAD_LETTERS_FULL' })
    expect(() => send(office, blobOf('two'), 2)).toThrow(full)
    const blob = blobOf('two')
    const from = PART_BYTES * Math.floor(blob.length / PART_BYTES)
    const bytes = new Uint8Array(blob.subarray(from))
    const last = { incarnation: 1, number: 2, from, total: blob.length, bytes }
    expect(() => office.obey(WORKER, { op: 'bury', part: last })).toThrow(full)
    expect(office.info).toMatchObject({ size: 1, rejected: 1 })
  })

  test('that makes no sense is refused, and the next one is taken', async () => {
    const office = officeOf()
    const corrupt = expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' })
    const bytes = new Uint8Array(PART_BYTES)
    const part = { incarnation: 1, number: 1, from: 0, total: 2 * PART_BYTES, bytes }
    const given = [
      { ...part, total: LETTER_BYTES_MAX + 1 },
      { ...part, from: PART_BYTES },
      { ...part, total: PART_BYTES - 1 },
    ]
    for (const wrong of given) {
      const fresh = officeOf()
      expect(() => fresh.obey(WORKER, { op: 'bury', part: wrong })).toThrow(corrupt)
    }
    office.obey(WORKER, { op: 'bury', part })
    const beyond = { ...part, from: PART_BYTES, bytes: new Uint8Array(PART_BYTES + 1) }
    expect(() => office.obey(WORKER, { op: 'bury', part: beyond })).toThrow(corrupt)
    send(office, blobOf('next'), 2)
    expect(await subjectsIn(office)).toEqual(['next'])
  })
})
