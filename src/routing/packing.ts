// Which subjects are compressed, and whether it pays for what they carry.
//
// The rules are the engine's and the same on every thread. A subject follows the first one whose
// pattern matches, and keeps a packer, which remembers whether compression has paid lately: after
// payloads that did not shrink it tries ever fewer of them, until one does.

import { checkCount, checkKeys, invalid } from '../base/checks.js'
import {
  COMPRESSED_BYTES_MIN,
  COMPRESSED_BYTES_MIN_DEFAULT,
  COMPRESSED_SHARE_MAX,
  COMPRESSION_RULES_MAX,
  COMPRESSION_SKIPS_MAX,
  UNPACKED_BYTES_MAX,
} from '../base/limits.js'
import {
  ALGORITHMS,
  asBuffer,
  compressionBy,
  type Algorithm,
  type Compression,
} from '../codec/compression.js'
import { checkPattern, subjectMatches } from './subject.js'

/** How the messages of a subject are compressed. */
export interface CompressionOptions {
  /**
   * `lz4` is fast and needs the package lz4-napi; `zstd` makes less of it and needs Node 22.15,
   * 23.8 or later.
   */
  readonly algorithm: Algorithm
  /** Smaller payloads travel as they are. Default 1024, at least 64. */
  readonly minBytes?: number
}

/** By subject or pattern; the first that matches counts. */
export type CompressionRules = Readonly<Record<string, CompressionOptions>>

/** Checked, and plain data: it goes to every thread. */
export interface PackingRule {
  readonly pattern: string
  readonly algorithm: Algorithm
  readonly minBytes: number
}

export const NO_PACKING: readonly PackingRule[] = []

/** @throws ERR_OPTION_INVALID, ERR_SUBJECT_INVALID, ERR_COMPRESSION_UNAVAILABLE */
export function checkCompression(rules: CompressionRules = {}): readonly PackingRule[] {
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules)) {
    throw invalid('compression', rules, 'an object of rules by subject')
  }
  const entries = Object.entries(rules)
  checkCount('compression (rules)', entries.length, 0, COMPRESSION_RULES_MAX)
  return entries.map(([pattern, options]) => {
    const option = `compression[${JSON.stringify(pattern)}]`
    checkKeys(option, options, ['algorithm', 'minBytes'])
    const { algorithm, minBytes = COMPRESSED_BYTES_MIN_DEFAULT } = options
    if (!ALGORITHMS.includes(algorithm)) {
      throw invalid(`${option}.algorithm`, algorithm, `one of ${ALGORITHMS.join(', ')}`)
    }
    compressionBy(algorithm)
    const least = checkCount(
      `${option}.minBytes`,
      minBytes,
      COMPRESSED_BYTES_MIN,
      UNPACKED_BYTES_MAX,
    )
    return { pattern: checkPattern(pattern), algorithm, minBytes: least }
  })
}

/** The packer of a subject, or null. @throws ERR_COMPRESSION_UNAVAILABLE */
export function packerFor(rules: readonly PackingRule[], subject: string): Packer | null {
  const rule = rules.find(({ pattern }) => subjectMatches(pattern, subject))
  return rule === undefined ? null : new Packer(rule, compressionBy(rule.algorithm))
}

export class Packer {
  readonly algorithm: number
  readonly #minBytes: number
  readonly #compression: Compression
  /** How many payloads are not tried next, and how many it will be after the next miss. */
  #skips = 0
  #misses = 1

  constructor({ algorithm, minBytes }: PackingRule, compression: Compression) {
    this.algorithm = ALGORITHMS.indexOf(algorithm) + 1
    this.#minBytes = minBytes
    this.#compression = compression
  }

  /** Whether a payload of so many bytes is to be tried. */
  wants(bytes: number): boolean {
    if (bytes < this.#minBytes || bytes > UNPACKED_BYTES_MAX) return false
    if (this.#skips === 0) return true
    this.#skips--
    return false
  }

  /** The payload compressed, or null when that does not pay. */
  pack(bytes: Uint8Array): Uint8Array | null {
    const packed = this.#compression.compress(asBuffer(bytes))
    if (packed.length <= bytes.length * COMPRESSED_SHARE_MAX) {
      this.#misses = 1
      return packed
    }
    this.#skips = this.#misses
    this.#misses = Math.min(2 * this.#misses, COMPRESSION_SKIPS_MAX)
    return null
  }
}
