// What an engine says of itself and of its threads.

/** What this engine can do on this machine. */
export interface Capabilities {
  /** The native addon is in use: eventfd wake-ups and spinning. */
  readonly addon: boolean
  /** The addon's file, or null when it is not in use. */
  readonly addonFile: string | null
  /** Why the addon is not in use, or null. */
  readonly addonReason: string | null
  /** Threads can be pinned to CPUs: the addon is in use, on Linux. */
  readonly placement: boolean
  /** CPUs this process may keep busy. */
  readonly cores: number
  /** The largest frame of a publish or request, its header of 16 bytes and up included. */
  readonly frameBytesMax: number
  /** The largest message; 0 when only frames carry messages. */
  readonly messageBytesMax: number
}

/** A thread of the engine, for looking and for ending it. */
export interface ThreadInfo {
  readonly index: number
  /** Names of the agents that live on it. */
  readonly agents: readonly string[]
  /** Somebody else made it, and it joined. */
  readonly hasJoined: boolean
  /**
   * Ends the thread at once, like a crash: what it had not flushed is lost, requests to it are
   * rejected. @throws ERR_OPTION_INVALID for the main thread, and for one that joined: its owner
   * ends it
   */
  terminate(): Promise<void>
}
