// Whatever bytes a peer writes into a ring and its words: frames that lie in the ring are handed
// over, or the ring is said to be corrupt. Never another error, a hang, or a step outside. And both
// languages say the same of every input, to the last byte of memory.
//
// Inputs come from the corpus of the C++ fuzzer (native/fuzz, where the format is drawn), from
// fast-check as bytes, and as rings of good frames with words overwritten.

import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LANE_WORDS_BYTES,
  LINK_HEAD,
  LINK_TAIL,
  LINK_TAKEN,
  LINK_WAITING,
} from '../../src/memory/layout.js'
import { loadBinding } from '../../src/native/load.js'
import { nativeReader, nativeWriter, ringMemory, scriptReader, scriptWriter } from './ends.js'
import type { ReaderEnd, RingMemory, WriterEnd } from './ends.js'

const RING_BYTES = 1024
const WORDS_BYTES = 18

interface Language {
  readonly name: string
  reader(memory: RingMemory): ReaderEnd
  writer(memory: RingMemory): WriterEnd
}

const { binding } = loadBinding()
const script: Language = { name: 'TypeScript', reader: scriptReader, writer: scriptWriter }
const languages: Language[] = [script]
if (binding !== null) {
  languages.push({
    name: 'C++',
    reader: (memory) => nativeReader(binding, memory),
    writer: (memory) => nativeWriter(binding, memory),
  })
}

function memoryOf(input: Uint8Array): RingMemory {
  const words = new DataView(new ArrayBuffer(WORDS_BYTES))
  new Uint8Array(words.buffer).set(input.subarray(0, WORDS_BYTES))
  const memory = ringMemory(RING_BYTES)
  const { i32, bytes } = memory.views
  i32[LINK_TAIL >>> 2] = words.getInt32(0, true)
  i32[LINK_HEAD >>> 2] = words.getInt32(4, true)
  i32[LINK_TAKEN >>> 2] = words.getInt32(8, true)
  i32[LINK_WAITING >>> 2] = words.getInt32(12, true)
  bytes.set(input.subarray(WORDS_BYTES, WORDS_BYTES + RING_BYTES), LANE_WORDS_BYTES)
  return memory
}

const framesPerPoll = (input: Uint8Array): number => (input[16] ?? 0) | ((input[17] ?? 0) << 8)

/** All that a reader does with an input, then a writer: what came out, and the memory it left. */
function outcomeOf(language: Language, input: Uint8Array) {
  const memory = memoryOf(input)
  const reader = language.reader(memory)
  const polls: Uint8Array[][] = []
  let frames: Uint8Array[]
  do {
    frames = reader.poll(framesPerPoll(input))
    polls.push(frames)
    // Each poll that hands over a frame moves at least two of the ring's 128 units.
    expect(polls.length).toBeLessThanOrEqual(65)
  } while (frames.length > 0)
  const { corrupt, hasFrames } = reader
  const rings = [reader.release(), reader.release()]
  const left = memory.views.buffer.toString('hex')
  const written = write(language, memory, input[16] ?? 0)
  // Of the frames only word 0 is the ring's; what else the two test writers put there differs.
  const words = memory.views.buffer.toString('hex', 0, LANE_WORDS_BYTES)
  return { polls, corrupt, hasFrames, rings, left, written, words }
}

/** How many frames a writer gets in, or the code of what it throws. */
function write(language: Language, memory: RingMemory, bytes: number): number | string {
  let count = 0
  try {
    const writer = language.writer(memory)
    while (writer.offer(new Uint8Array(bytes).fill(0x5a))) count++
    writer.publish()
    writer.awaitRoom(bytes)
  } catch (error) {
    return (error as { code: string }).code
  }
  return count
}

function examine(input: Uint8Array): ReturnType<typeof outcomeOf> {
  const [first, ...others] = languages.map((language) => outcomeOf(language, input))
  const outcome = first as ReturnType<typeof outcomeOf>
  for (const other of others) expect(other).toEqual(outcome)
  const frames = outcome.polls.flat()
  expect(frames.reduce((sum, { length }) => sum + length + 16, 0)).toBeLessThanOrEqual(RING_BYTES)
  if (outcome.corrupt !== null) {
    expect(outcome.corrupt).toMatch(/^a (tail -?\d+ units after the head|length of \d+ bytes)$/)
    expect(outcome.hasFrames).toBe(false)
  } else if (framesPerPoll(input) > 0) expect(outcome.hasFrames).toBe(false)
  expect(outcome.rings[1]).toBe(false)
  expect([expect.any(Number), 'ERR_FRAME_CORRUPT']).toContainEqual(outcome.written)
  return outcome
}

const folder = new URL('../../native/fuzz/corpus/', import.meta.url)
const corpus = readdirSync(folder)

describe(`a ring of anything (${languages.map(({ name }) => name).join(' and ')})`, () => {
  test.each(corpus)('input %s of the corpus is frames or a corrupt ring', (name) => {
    examine(readFileSync(new URL(name, folder)))
  })

  test('the corpus has inputs of every kind', () => {
    const outcomes = corpus.map((name) => outcomeOf(script, readFileSync(new URL(name, folder))))
    expect(outcomes.some(({ polls, corrupt }) => polls.flat().length > 2 && !corrupt)).toBe(true)
    for (const found of [/tail -/, /tail \d/, /length of [0-7] /, /length of \d{2,}/]) {
      expect(outcomes.some(({ corrupt }) => found.test(corrupt ?? ''))).toBe(true)
    }
  })

  test('any bytes at all are frames or a corrupt ring', () => {
    const word = fc.oneof(fc.constantFrom(...BOUNDARIES), fc.integer())
    const input = fc.record({
      head: word,
      // Most tails are believed, else no frame would ever be looked at.
      distance: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 128 }) }, word),
      taken: word,
      waiting: word,
      frames: fc.integer({ min: 0, max: 300 }),
      ring: fc.uint8Array({ maxLength: RING_BYTES, size: 'max' }),
    })
    const property = fc.property(input, ({ head, distance, taken, waiting, frames, ring }) => {
      examine(inputOf([head + distance, head, taken, waiting], frames, ring))
    })
    fc.assert(property, { numRuns: 1000 })
  })

  test('good frames before a spoiled word arrive as they were written', () => {
    const spoil = fc.record({
      at: fc.integer({ min: 0, max: RING_BYTES / 4 - 1 }),
      value: fc.oneof(
        fc.constantFrom(...BOUNDARIES),
        fc.integer(),
        fc.integer({ min: 0, max: 99 }),
      ),
    })
    const property = fc.property(
      fc.constantFrom(0, 1, 100, 0x7fff_fff0, -64, -1),
      fc.array(fc.integer({ min: 0, max: 240 }), { minLength: 1, maxLength: 30 }),
      fc.array(spoil, { maxLength: 4 }),
      fc.integer({ min: 1, max: 9 }),
      (position, sizes, spoils, frames) => {
        const memory = ringMemory(RING_BYTES, position)
        const writer = scriptWriter(memory)
        const sent: Uint8Array[] = []
        for (const [index, size] of sizes.entries()) {
          const payload = new Uint8Array(size).fill(index + 1)
          if (writer.offer(payload)) sent.push(payload)
        }
        writer.publish()
        const { i32, bytes } = memory.views
        const whole = bytes.slice(LANE_WORDS_BYTES)
        for (const { at, value } of spoils) i32[(LANE_WORDS_BYTES >>> 2) + at] = value
        const tail = i32[LINK_TAIL >>> 2] as number
        const ring = bytes.slice(LANE_WORDS_BYTES)
        const outcome = examine(inputOf([tail, position, position, 0], frames, ring))
        const got = outcome.polls.flat()
        const start = ((position & 127) * 8) % RING_BYTES
        const intact = intactBytes(whole, ring, start)
        let at = 0
        for (const [index, payload] of sent.entries()) {
          at += 16 + payload.length
          // A PAD may lie before it: only frames well before the first change are sure.
          if (at + 256 > intact || index >= got.length) break
          expect(got[index]).toEqual(payload)
        }
        if (spoils.length === 0) expect(got).toEqual(sent)
      },
    )
    fc.assert(property, { numRuns: 1000 })
  })
})

const BOUNDARIES = [0, 1, -1, 7, 8, 16, 0x7fff_ffff, -0x8000_0000, -0x7fff_ffff]

function inputOf(words: number[], frames: number, ring: Uint8Array): Uint8Array {
  const input = new Uint8Array(WORDS_BYTES + ring.length)
  const view = new DataView(input.buffer)
  for (const [index, word] of words.entries()) view.setInt32(index * 4, word, true)
  view.setUint16(16, frames, true)
  input.set(ring, WORDS_BYTES)
  return input
}

/** How many bytes of the ring, from `start` and round, are the same in both. */
function intactBytes(whole: Uint8Array, spoiled: Uint8Array, start: number): number {
  let count = 0
  while (count < RING_BYTES) {
    const at = (start + count) % RING_BYTES
    if (whole[at] !== spoiled[at]) break
    count++
  }
  return count
}
