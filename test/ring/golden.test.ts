// The bytes of frames and the moves of positions, fixed in a file that both languages are held to.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { LINK_TAIL } from '../../src/memory/layout.js'
import { loadBinding } from '../../src/native/load.js'
import { nativeReader, nativeWriter, ringMemory, scriptReader, scriptWriter } from './ends.js'

interface GoldenCase {
  readonly name: string
  readonly ringBytes: number
  readonly position: number
  readonly payloads: string[]
  readonly tail: number
  readonly ring: string
}

const file = new URL('../golden/frames.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: GoldenCase[] }

const { binding } = loadBinding()
const languages = [
  { name: 'TypeScript', writer: scriptWriter, reader: scriptReader },
  ...(binding === null
    ? []
    : [
        {
          name: 'C++',
          writer: nativeWriter.bind(null, binding),
          reader: nativeReader.bind(null, binding),
        },
      ]),
]

describe.each(languages)('$name', ({ writer: openWriter, reader: openReader }) => {
  test.each(cases)('writes $name', ({ ringBytes, position, payloads, tail, ring }) => {
    const memory = ringMemory(ringBytes, position)
    const writer = openWriter(memory)
    for (const payload of payloads) expect(writer.offer(Buffer.from(payload, 'hex'))).toBe(true)
    writer.publish()
    expect(memory.views.u32[LINK_TAIL >>> 2]).toBe(tail)
    expect(memory.views.buffer.subarray(memory.place.data).toString('hex')).toBe(ring)
  })

  test.each(cases)('reads $name', ({ ringBytes, position, payloads, tail, ring }) => {
    const memory = ringMemory(ringBytes, position)
    memory.views.buffer.write(ring, memory.place.data, 'hex')
    memory.views.u32[LINK_TAIL >>> 2] = tail
    const received = openReader(memory).poll(100)
    expect(received.map((payload) => Buffer.from(payload).toString('hex'))).toEqual(payloads)
  })
})
