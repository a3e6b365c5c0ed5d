// Compressing payloads: LZ4 by the package lz4-napi, Zstandard by Node's own zlib.
//
// Neither is there for certain: lz4-napi is an optional peer, and zlib knows zstd from Node 22.15
// and 23.8 on. So each is looked for when it is first wanted, on the thread that wants it, and what
// is missing is said with what to do. What comes from a frame is not believed: a payload may become
// as many bytes as its frame says, within the limit, and no more.

import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import { FlyshuttleError } from '../base/errors.js'
import { UNPACKED_BYTES_MAX } from '../base/limits.js'

/** In the order of their numbers in frames, from 1. */
export const ALGORITHMS = ['lz4', 'zstd'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** What a frame says of a payload that was compressed. */
export interface Packed {
  /** Number of the algorithm. */
  readonly algorithm: number
  /** What the payload takes when it is whole again. */
  readonly plainBytes: number
}

export interface Compression {
  compress(bytes: Buffer): Uint8Array
  /** Throws when `bytes` is not what `compress` made of `plainBytes` bytes. */
  decompress(bytes: Buffer, plainBytes: number): Uint8Array
}

/** The functions of zlib that the types of Node 20 do not know. */
interface Zstd {
  zstdCompressSync(bytes: Buffer): Buffer
  zstdDecompressSync(bytes: Buffer, options: { maxOutputLength: number }): Buffer
}

interface Lz4 {
  compressSync(bytes: Buffer): Buffer
  uncompressSync(bytes: Buffer): Buffer
}

const LOADERS: Record<Algorithm, () => Compression> = { lz4: loadLz4, zstd: loadZstd }
const loaded = new Map<Algorithm, Compression>()

/** @throws ERR_COMPRESSION_UNAVAILABLE */
export function compressionBy(algorithm: Algorithm): Compression {
  let compression = loaded.get(algorithm)
  if (compression === undefined) loaded.set(algorithm, (compression = LOADERS[algorithm]()))
  return compression
}

/**
 * The payload as it was. `bytes` must not be shared memory.
 *
 * @throws ERR_COMPRESSION_UNAVAILABLE, or any other error when that is not what the bytes hold
 */
export function unpack(bytes: Uint8Array, { algorithm, plainBytes }: Packed): Uint8Array {
  const name = ALGORITHMS[algorithm - 1]
  if (name === undefined) throw new Error(`compressed by algorithm ${algorithm}`)
  if (plainBytes > UNPACKED_BYTES_MAX) throw new Error(`${plainBytes} bytes when decompressed`)
  const compression = compressionBy(name)
  const plain = compression.decompress(asBuffer(bytes), plainBytes)
  if (plain.length === plainBytes) return plain
  throw new Error(`${plain.length} bytes when decompressed, not the ${plainBytes} it says`)
}

/** The same bytes; copied only out of shared memory, which the libraries do not take. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes.buffer instanceof SharedArrayBuffer) return Buffer.from(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function loadLz4(): Compression {
  let lz4: Lz4
  try {
    lz4 = createRequire(import.meta.url)('lz4-napi') as Lz4
  } catch (error) {
    const isMissing = (error as { code?: unknown }).code === 'MODULE_NOT_FOUND'
    const found = isMissing ? 'the package lz4-napi is not installed' : (error as Error).message
    throw unavailable('lz4', found, 'npm install lz4-napi', error)
  }
  return {
    compress: (bytes) => lz4.compressSync(bytes),
    decompress: (bytes, plainBytes) => {
      // The library makes room for as many bytes as the first word says.
      const said = bytes.length < 4 ? -1 : bytes.readUInt32LE(0)
      if (said !== plainBytes)
        throw new Error(`LZ4 of ${said} bytes, not the ${plainBytes} it says`)
      return lz4.uncompressSync(bytes)
    },
  }
}

function loadZstd(): Compression {
  const { zstdCompressSync, zstdDecompressSync } = zlib as Partial<Zstd>
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) {
    const found = `Node ${process.versions.node} has no zstd`
    throw unavailable('zstd', found, "Node 22.15, 23.8 or later, or the algorithm 'lz4'")
  }
  return {
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, plainBytes) =>
      zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, plainBytes) }),
  }
}

function unavailable(
  algorithm: Algorithm,
  found: string,
  wanted: string,
  cause?: unknown,
): FlyshuttleError {
  const data = { algorithm, found, wanted }
  return new FlyshuttleError('ERR_COMPRESSION_UNAVAILABLE', data, cause)
}
