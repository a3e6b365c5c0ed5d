// What the addon exports, typed. `native/addon.cc` registers it; `load.ts` finds it.
//
// Nothing here is for users of the package. The addon checks its arguments only so far that a
// mistake of ours cannot make it touch foreign memory; it throws a TypeError then.

/** What a doorbell needs. `geometry` is in the order of the interface `Geometry`. */
export interface NativeDoorbellOptions {
  /** The whole region, from its first byte. */
  readonly region: Uint8Array
  /**
   * `[threads, bulkRingBytes, urgentRingBytes, dictionaryBytes, changeLogBytes, subscriptions,
   * queueBytes, chunkBytes]`
   */
  readonly geometry: readonly number[]
  /** The bell of each thread, in memory that all threads share; -1 for none. */
  readonly bells: Int32Array
  /**
   * Two words of this thread, all 0, by which to let go of the loop without a call. Word 1 is 1
   * from `ref` on. When the loop is about to wait and word 0 is 0, it is let go, and word 1 is 0.
   * `ref` sets word 0; whoever finds word 1 set may store into word 0 instead.
   */
  readonly hold: Int32Array
  readonly thread: number
  /**
   * Drains the inbox: 1 when work is left over, else 0. Called from the event loop, with next ticks
   * and microtasks after it. It never throws.
   */
  readonly deliver: () => number
  /** How long to wait on the core for the next message before the loop may block. */
  readonly spinUs: number
  /** How long to deliver and spin in one turn of the loop before its other handles are polled. */
  readonly spinBudgetUs: number
  /** Nobody spins while more threads than this are awake. */
  readonly cores: number
}

/** Counts since the doorbell was made. */
export interface NativeDoorbellStats {
  /** The bell rang. */
  readonly wakes: number
  /** `deliver` was called. */
  readonly delivers: number
  /** Spins that ended because something came. */
  readonly spinHits: number
  /** Spins that ended because nothing came. */
  readonly spinMisses: number
  /** The loop was let go, free to block, with the sleeping word set. */
  readonly parks: number
}

/**
 * Wakes this thread's event loop and hands it the moments before it would block.
 *
 * It starts at once, unreferenced, and delivers in the next turn of the loop, bits or not: a new
 * consumer looks at every link. If its thread ends without `close()`, whatever the reason, it
 * announces the death of `thread`: the dead word, every ready bit, every bell.
 */
export interface NativeDoorbell {
  /** Keeps the process (or worker) alive, until the loop is about to wait and word 0 is 0. */
  ref(): void
  /** Makes the next turn of the loop deliver, for work that no ready bit tells of. */
  nudge(): void
  /** Orderly end, without announcement. Safe inside `deliver`; further calls do nothing. */
  close(): void
  stats(): NativeDoorbellStats
}

/** A `RingWriter` in C++, for the conformance suite. */
export interface NativeRingWriter {
  /** Writes and commits a frame of this kind around `payload`; false when the ring is full. */
  offer(payload: Uint8Array, kind: number): boolean
  publish(): void
  awaitRoom(wantedBytes: number): boolean
  freeBytes(): number
  readonly pendingBytes: number
}

/** A `RingReader` in C++, for the conformance suite. */
export interface NativeRingReader {
  /** Copies of the payloads of up to `framesMax` frames, which are freed. */
  poll(framesMax: number): Uint8Array[]
  release(): boolean
  skipAll(): void
  readonly hasFrames: boolean
  readonly corrupt: string | null
}

/** One end of a ring on a C++ thread of its own; `native/core/stress.h` tells what it sends. */
export interface NativeStressThread {
  /** Waits for its end. `error` says what was wrong with a frame, or is null. */
  join(): { frames: number; error: string | null }
}

export interface NativeLimitOptions {
  readonly frames: number
  /** A multiple of 4; with 16 bytes of header at most a quarter of the ring. */
  readonly payloadBytes: number
  readonly ringBytes: number
  /** Publish each frame, rather than when 4 KiB have gathered. */
  readonly publishEach: boolean
}

export interface NativeLimitResult {
  readonly seconds: number
  readonly frames: number
  /** Sum of all payload words as they were read, modulo 2^32. */
  readonly checksum: number
  /** What that sum must be. */
  readonly expected: number
}

type RingArguments = [region: Uint8Array, words: number, data: number, ringBytes: number]

export interface NativeBinding {
  /** Every number that C++ and TypeScript must agree on, by its TypeScript name. */
  layout(geometry: readonly number[]): Record<string, number>

  /** A fresh bell: a descriptor. Throws when the process has no more. */
  createBell(): number
  /** Wakes whoever polls the bell. False when there is no such bell (any more). */
  ringBell(bell: number): boolean
  /** False when there is no such bell. */
  closeBell(bell: number): boolean
  /**
   * What a producer does after it has published: raises its ready bit in the inbox of `to`. True:
   * `to` slept, and the caller must ring its bell.
   */
  raiseReady(
    region: Uint8Array,
    geometry: readonly number[],
    from: number,
    to: number,
    lane: number,
  ): boolean

  /**
   * `to.set(from.subarray(…), toOffset)`, at the speed of memory: V8 copies into and out of shared
   * memory slowly. For payloads, which nobody else touches meanwhile. Throws a TypeError when an
   * array has not so many bytes from its offset on.
   */
  copyBytes(
    to: Uint8Array,
    toOffset: number,
    from: Uint8Array,
    fromOffset: number,
    bytes: number,
  ): void

  /**
   * Why no doorbell can work in this process, in one line, or null. The addon looks up by name what
   * it needs of libuv; a test may say that one name, without its `uv_`, is hidden.
   */
  explainLoop(hidden?: string): string | null

  /**
   * Lets the calling thread run on these CPUs alone. 0, or a negative errno. What `getAffinity`
   * reads back may be less: the kernel leaves out CPUs that are offline or not the container's.
   */
  setAffinity(cpus: Int32Array): number
  /**
   * The CPUs on which the calling thread may run, ascending. How many there are, of which those
   * that fit are written into `cpus`; or a negative errno.
   */
  getAffinity(cpus: Int32Array): number
  /**
   * Has pages of the region come from a NUMA node when they are first touched. Both ends are moved
   * to the nearest start of a page. How many pages that concerns, or a negative errno.
   */
  preferNode(region: Uint8Array, offset: number, bytes: number, node: number): number
  /**
   * The node of each page of the region, negative where nobody has touched it. How many pages there
   * are, of which those that fit are written into `nodes`; or a negative errno.
   */
  nodesOf(region: Uint8Array, offset: number, bytes: number, nodes: Int32Array): number

  readonly Doorbell: new (options: NativeDoorbellOptions) => NativeDoorbell
  // From here on for tests and benchmarks.
  readonly NativeRingWriter: new (...ring: RingArguments) => NativeRingWriter
  readonly NativeRingReader: new (...ring: RingArguments) => NativeRingReader
  readonly NativeStressThread: new (
    isProducer: boolean,
    ...rest: [...ring: RingArguments, frames: number, seed: number]
  ) => NativeStressThread

  /** One actor of a litmus test on a C++ thread; `test/litmus` has the other. */
  readonly NativeLitmusThread: new (
    memory: Int32Array,
    test: number,
    role: number,
    cells: number,
  ) => { join(): void }

  /** Two C++ threads, one ring in private memory: the limit of this machine. Blocks the caller. */
  measureLimit(options: NativeLimitOptions): NativeLimitResult
}
