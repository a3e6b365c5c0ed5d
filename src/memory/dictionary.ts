// What a thread's frames refer to by number: subjects, struct schemas, msgpack record structures.
//
// Each thread owns one dictionary in the region and is its only writer; any thread may read it. So
// there is nothing to lock and nothing to repair: an entry exists once the tail has moved past it,
// whoever dies when. A successor on the same place reads what is there and goes on. Entries are
// never changed or removed; a full dictionary makes the writer send subjects inline and records as
// plain maps.
//
//   entry   ┌──────┬──────┬──────────────┬────────────────────┐   three words, then UTF-8 text
//           │ kind │ id   │ bytes (u32)  │ text, zero-filled  │   to a multiple of 4
//           └──────┴──────┴──────────────┴────────────────────┘
//   Subject    id counts from 1; text is the subject
//   Type       id is the fingerprint; text is the canonical schema
//   Structure  id counts from 0; text is the JSON array of a record's keys

import { INBOX_DICTIONARY_TAIL } from './layout.js'
import type { Region } from './region.js'

const EntryKind = { Subject: 1, Type: 2, Structure: 3 } as const
const ENTRY_HEADER_BYTES = 12
const SUBJECT_RESERVE_DIVISOR = 4

/** The entries of one thread's dictionary, as far as they have been read. */
class Entries {
  readonly subjects: string[] = ['']
  readonly types = new Map<number, string>()
  readonly structures: string[][] = []
}

abstract class Dictionary {
  protected readonly entries = new Entries()
  readonly thread: number
  protected readonly region: Region
  protected readonly start: number
  protected readonly tailIndex: number
  protected tailBytes = 0

  constructor(region: Region, thread: number) {
    this.thread = thread
    this.region = region
    this.start = region.layout.dictionary(thread)
    this.tailIndex = (region.layout.inbox(thread) + INBOX_DICTIONARY_TAIL) >>> 2
  }

  protected catchUp(): void {
    const { u32, buffer } = this.region.views
    // SYNC dictionary-tail: pairs with dictionary-tail in DictionaryWriter. Entries before the tail
    // are complete.
    const tail = Math.min(Atomics.load(u32, this.tailIndex), this.region.layout.dictionaryBytes)
    while (this.tailBytes + ENTRY_HEADER_BYTES <= tail) {
      const at = this.start + this.tailBytes
      const kind = u32[at >>> 2] as number
      const id = u32[(at >>> 2) + 1] as number
      const leftBytes = tail - this.tailBytes - ENTRY_HEADER_BYTES
      const bytes = Math.min(u32[(at >>> 2) + 2] as number, leftBytes)
      const textStart = at + ENTRY_HEADER_BYTES
      const text = buffer.toString('utf8', textStart, textStart + bytes)
      const { subjects, types, structures } = this.entries
      // Numbers count up without a gap; what is not so was not written by a DictionaryWriter.
      if (kind === EntryKind.Type) types.set(id, text)
      else if (kind === EntryKind.Subject && id === subjects.length) subjects.push(text)
      else if (kind === EntryKind.Structure && id === structures.length) {
        structures.push(parseKeys(text))
      }
      this.tailBytes += ENTRY_HEADER_BYTES + roundToWord(bytes)
    }
  }
}

/**
 * Reads the dictionary of another thread (or one's own), catching up when a number is not known
 * yet.
 */
export class DictionaryReader extends Dictionary {
  subject(id: number): string | undefined {
    if (this.entries.subjects[id] === undefined) this.catchUp()
    return this.entries.subjects[id]
  }

  /** The canonical schema of a struct type. */
  type(typeId: number): string | undefined {
    if (!this.entries.types.has(typeId)) this.catchUp()
    return this.entries.types.get(typeId)
  }

  /** All record structures written so far. */
  structures(): string[][] {
    this.catchUp()
    return this.entries.structures
  }
}

/** Writes the dictionary of the calling thread. */
export class DictionaryWriter extends Dictionary {
  readonly #subjectIds = new Map<string, number>()
  /** Subjects leave this much to types and structures, which cannot travel inline. */
  readonly #reserveBytes: number

  constructor(region: Region, thread: number) {
    super(region, thread)
    this.#reserveBytes = region.layout.dictionaryBytes / SUBJECT_RESERVE_DIVISOR
    this.catchUp()
    this.entries.subjects.forEach((subject, id) => this.#subjectIds.set(subject, id))
  }

  /**
   * The number of a subject, written on first use; 0 when there is no room, then it travels inline.
   */
  subjectId(subject: string): number {
    const known = this.#subjectIds.get(subject)
    if (known !== undefined) return known
    const id = this.entries.subjects.length
    if (!this.#append(EntryKind.Subject, id, subject, this.#reserveBytes)) return 0
    this.entries.subjects.push(subject)
    this.#subjectIds.set(subject, id)
    return id
  }

  /** Makes sure that any thread can decode a struct type. False when there is no room. */
  addType(typeId: number, canonical: string): boolean {
    const known = this.entries.types.get(typeId)
    if (known !== undefined) return known === canonical
    if (!this.#append(EntryKind.Type, typeId, canonical)) return false
    this.entries.types.set(typeId, canonical)
    return true
  }

  /**
   * Adds the record structures beyond those already written. False when there is no room for all of
   * them.
   */
  addStructures(structures: readonly (readonly string[])[]): boolean {
    for (let id = this.entries.structures.length; id < structures.length; id++) {
      const keys = [...(structures[id] ?? [])]
      if (!this.#append(EntryKind.Structure, id, JSON.stringify(keys))) return false
      this.entries.structures.push(keys)
    }
    return true
  }

  /** Bytes that are not taken yet. */
  get bytesLeft(): number {
    return this.region.layout.dictionaryBytes - this.tailBytes
  }

  get structures(): string[][] {
    return this.entries.structures
  }

  #append(kind: number, id: number, text: string, reserveBytes = 0): boolean {
    const { u32, buffer } = this.region.views
    const bytes = Buffer.byteLength(text)
    const next = this.tailBytes + ENTRY_HEADER_BYTES + roundToWord(bytes)
    if (next + reserveBytes > this.region.layout.dictionaryBytes) return false
    const at = this.start + this.tailBytes
    u32[at >>> 2] = kind
    u32[(at >>> 2) + 1] = id
    u32[(at >>> 2) + 2] = bytes
    buffer.write(text, at + ENTRY_HEADER_BYTES, bytes, 'utf8')
    this.tailBytes = next
    // SYNC dictionary-tail: pairs with dictionary-tail in Dictionary.catchUp. The entry is whole
    // before it shows.
    Atomics.store(u32, this.tailIndex, next)
    return true
  }
}

/** The keys of a record; none when the text is no list of them. */
function parseKeys(text: string): string[] {
  try {
    const keys: unknown = JSON.parse(text)
    return Array.isArray(keys) ? keys.map(String) : []
  } catch {
    return []
  }
}

function roundToWord(bytes: number): number {
  return (bytes + 3) & -4
}
