// Every limit of the engine, with its unit last and its reason beside it.
//
// Nothing in Flyshuttle grows without a bound. Relations between limits are asserted at the end of
// this file, so a careless change fails when the package is loaded, not under load.

import { assert } from './errors.js'

/**
 * Threads in one engine, the main thread included. One ready group covers 16 producers with two
 * lanes.
 */
export const THREADS_MAX = 64
export const PRODUCERS_PER_READY_GROUP = 16

/**
 * Every word that two threads share stands alone on two cache lines: the prefetcher fetches lines
 * in pairs.
 */
export const LINE_BYTES = 128

/**
 * Frames start at multiples of this, so a PAD header always fits the end of a ring. Positions count
 * these units.
 */
export const FRAME_ALIGN_BYTES = 8
export const FRAME_HEADER_BYTES = 16

/**
 * A frame may take a quarter of its ring: half might never fit an empty ring whose position is
 * unlucky.
 */
export const FRAME_RING_DIVISOR = 4

/**
 * Rings are powers of two. The smallest holds a few frames (tests); the largest keeps 4 GiB regions
 * addressable.
 */
export const RING_BYTES_MIN = 1024
export const RING_BYTES_MAX = 64 * 1024 * 1024

/**
 * All bulk rings together, unless `ringBytes` says otherwise; one ring stays within one L2 cache.
 */
export const RING_BUDGET_BYTES = 64 * 1024 * 1024
export const BULK_RING_BYTES_MAX_AUTO = 512 * 1024

/**
 * The urgent lane is a fraction of the bulk lane, and keeps room that only control frames may take.
 */
export const URGENT_RING_DIVISOR = 2
export const URGENT_RESERVE_DIVISOR = 8

/**
 * A batch is made visible when it holds this many bytes (or at the end of the tick, whichever is
 * first).
 */
export const FLUSH_BYTES = 4096

/**
 * One drain stops after this many frames or this time, so that timers and I/O live under full load.
 */
export const DRAIN_FRAMES_MAX = 1024
export const DRAIN_TIME_US_MAX = 200

/** Rules for subjects that an engine may be made with, and messages of one subject that wait. */
export const SUBJECT_RULES_MAX = 256
export const PER_SUBJECT_MAX = 1_048_576

/** Bytes that wait in a sender's heap for one link, when its ring has no room. */
export const OVERFLOW_BYTES_MAX = 1024 * 1024

/** The same for messages that travel in blocks. The largest fits. */
export const LARGE_OVERFLOW_BYTES_MAX = 68 * 1024 * 1024

/**
 * What one thread may intern: subjects, schemas, record structures. A full dictionary falls back to
 * inline subjects.
 */
export const DICTIONARY_BYTES = 512 * 1024

/**
 * Payloads from this size on are copied by the addon: into the region, where the call costs more
 * than V8's copy below, and out of it, where the memory for the copy costs more than either.
 */
export const NATIVE_WRITE_BYTES_MIN = 512
export const NATIVE_READ_BYTES_MIN = 2048

/** Subscriptions alive at one time in one engine, and the bytes of each half of the change log. */
export const SUBSCRIPTIONS_MAX = 131_072
export const CHANGE_LOG_BYTES = 16 * 1024 * 1024
/** The part of a half that a snapshot of all live subscriptions must leave for changes. */
export const LOG_ROOM_DIVISOR = 16
/** What one subscription may say to its senders beside its pattern, as JSON. */
export const RULES_BYTES_MAX = 8192

/** Address space of work queues and of large messages. Pages that nobody touches cost nothing. */
export const QUEUE_AREA_BYTES = 256 * 1024 * 1024
export const CHUNK_AREA_BYTES = 256 * 1024 * 1024
export const CHUNK_AREA_BYTES_MAX = 2048 * 1024 * 1024

/**
 * Sizes of the blocks that large messages travel in, and how many thirty-seconds of the area each
 * size gets. Four times the size means that at most three quarters of a block stay empty, and an
 * empty page costs nothing. The largest is the largest message.
 */
export const CHUNK_CLASSES: readonly { readonly bytes: number; readonly share: number }[] = [
  { bytes: 16 * 1024, share: 1 },
  { bytes: 64 * 1024, share: 4 },
  { bytes: 256 * 1024, share: 3 },
  { bytes: 1024 * 1024, share: 7 },
  { bytes: 4 * 1024 * 1024, share: 5 },
  { bytes: 16 * 1024 * 1024, share: 4 },
  { bytes: 64 * 1024 * 1024, share: 8 },
]
export const CHUNK_SHARES = 32

/**
 * Raw bytes from this length on travel in a block, even where a ring would carry them; other
 * payloads only when they must.
 */
export const CHUNK_RAW_BYTES_MIN = 32 * 1024

/**
 * What may be under way in blocks from one thread to another before a message waits; two may always
 * be, however large. So a thread that reads nothing holds up its own senders, and leaves blocks to
 * the others.
 */
export const CHUNK_WINDOW_BYTES = 32 * 1024 * 1024
export const CHUNK_WINDOW_MESSAGES = 128
/**
 * From which share of that on `publish` returns false, and down to which `drained` waits. Far
 * apart: each wait is a message to the other thread and back, and a look from both into the void.
 */
export const CHUNK_HIGH_SHARE = 3 / 4
export const CHUNK_LOW_SHARE = 1 / 4

/** Subjects: bytes of the whole, and tokens. */
export const SUBJECT_BYTES_MAX = 255
export const SUBJECT_TOKENS_MAX = 32

/** Headers of one message, as JSON. */
export const HEADERS_BYTES_MAX = 4096

/**
 * Compression: from which size on it is tried unless an option says otherwise, and the least that
 * may be said; how much of a payload has to go for it to pay; after payloads that did not shrink,
 * how many are sent as they are before another is tried; what a payload may become again; and the
 * memory that a receiver keeps for that between two messages.
 */
export const COMPRESSED_BYTES_MIN_DEFAULT = 1024
export const COMPRESSED_BYTES_MIN = 64
export const COMPRESSED_SHARE_MAX = 0.9
export const COMPRESSION_SKIPS_MAX = 64
export const COMPRESSION_RULES_MAX = 256
export const UNPACKED_BYTES_MAX = 64 * 1024 * 1024
export const UNPACKED_BYTES_KEPT = 1024 * 1024

/**
 * Dead letters that the main thread keeps unless an option says otherwise, and how often one may be
 * replayed. Then what may wait on a worker until the main thread has taken it, how long each step
 * of that may take before it is tried again, what one listing holds, and of how many refused
 * replays the reasons are told.
 */
export const DEAD_LETTERS_DEFAULT = 10_000
export const DEAD_LETTERS_MAX = 10_000_000
export const DEAD_LETTER_BYTES_DEFAULT = 64 * 1024 * 1024
export const DEAD_LETTER_BYTES_MAX = 2 ** 40
export const LETTER_REPLAYS_DEFAULT = 3
export const LETTER_REPLAYS_MAX = 1_000_000
export const LETTERS_WAITING_MAX = 1024
export const LETTER_BYTES_WAITING_MAX = 16 * 1024 * 1024
/** Of one letter of a worker: the largest message, and what goes with it. */
export const LETTER_BYTES_MAX = 68 * 1024 * 1024
export const LETTER_PART_TIMEOUT_MS = 5000
export const LETTERS_LISTED_DEFAULT = 100
export const LETTERS_LISTED_MAX = 10_000
export const REPLAY_ERRORS_TOLD_MAX = 8

/**
 * Compiled routes and local targets that one thread remembers. Of the routes, the share that goes
 * when there are too many: those that were not used since the last time.
 */
export const ROUTES_CACHED_MAX = 16_384
export const ROUTES_FORGOTTEN_DIVISOR = 8

/**
 * A subject that has missed more changes of the subscriptions than this is looked up anew, without
 * asking whether they concern it: so many comparisons cost about as much.
 */
export const CHANGES_COMPARED_MAX = 32

/** Subscriptions under one pattern that are kept as a list; beyond, as a set. */
export const VALUES_LISTED_MAX = 32

/**
 * A struct message that has gone the long way to one thread this often gets an emitter of its own:
 * compiled code. No more than so many of a thread.
 */
export const EMITTER_AFTER_MESSAGES = 32
export const EMITTERS_MAX = 1024

/**
 * A subscription that has got this many like structs from one thread gets compiled code that hands
 * it whole runs of them. No more than so many of a thread.
 */
export const RUN_AFTER_MESSAGES = 512
export const RUNS_MAX = 1024

/** Rules that a filter in a sender's own code may have; a longer one would not be copied inline. */
export const FILTER_HOLDS_MAX = 8

/** Bound publishers of one thread that write straight into a ring; others publish as usual. */
export const PUBLISHERS_MAX = 1024

/** How often a member of a weighted queue group may be chosen for once of another. */
export const QUEUE_WEIGHT_MAX = 1000

/** Messages that wait for a slow handler before its senders see Full. */
export const MAILBOX_MESSAGES_DEFAULT = 1024
export const CONCURRENCY_MAX = 65_536

/**
 * Work queues: jobs that one thread may have added and that are not done, by default 4096 slots of
 * 512 bytes. A slot's number has 16 bits, an attempt 8.
 */
export const QUEUE_CAPACITY_DEFAULT = 4096
export const QUEUE_CAPACITY_MIN = 8
export const QUEUE_CAPACITY_MAX = 65_536
export const JOB_BYTES_DEFAULT = 456
export const JOB_BYTES_MAX = 65_000
/** What a job of a struct gets on top, for its id, key and headers. */
export const JOB_META_BYTES = 96
export const MAX_DELIVER_DEFAULT = 5
export const MAX_DELIVER_MAX = 200
export const ACK_WAIT_MS_DEFAULT = 30_000
export const DUPLICATE_WINDOW_MS_DEFAULT = 120_000
export const DUPLICATE_IDS_DEFAULT = 8192
export const DUPLICATE_IDS_MAX = 1_048_576
/** A week: due times are 32 bits of ms, and compared across half of their range. */
export const QUEUE_WAIT_MS_MAX = 604_800_000
/** Calls of `add` on one thread that may wait for a slot. */
export const ADDS_WAITING_MAX = 65_536
/** Jobs that leave in one batch; a batch that is not full leaves at the end of the tick. */
export const JOBS_FLUSH = 64
/** A dead job that could not be kept is tried again after so long. */
export const BURY_AGAIN_MS = 1000

/** More urgent messages, or jobs, that pass one that waits, before it goes next. */
export const PRIORITY_PASSES_MAX = 16

/** Messages of one batch, for handlers that take several at once. */
export const BATCH_MESSAGES_DEFAULT = 256

/** A channel: shapes of plain objects that it remembers; messages that an iteration takes ahead. */
export const CHANNEL_DICTIONARY_BYTES = 64 * 1024
export const CHANNEL_PREFETCH = 64

/** Requests. A deadline always exists. setTimeout cannot wait longer than the last. */
export const REQUEST_TIMEOUT_MS_DEFAULT = 5000
export const REQUESTS_PENDING_MAX = 1_048_576
export const TIMEOUT_MS_MAX = 2_147_483_647

/**
 * How many responders an idempotent request is tried with, and how often a thread that handles
 * requests looks whether one comes too late.
 */
export const IDEMPOTENT_ATTEMPTS_MAX = 5
export const LOOK_AT_CLOCK_REQUESTS = 7

/** Requests given up that a responder keeps in mind, because they may not have arrived yet. */
export const EARLY_CANCELS_MAX = 4096
/** Calls of `requestEach` given up that it keeps in mind for the same reason. */
export const EARLY_BLOCKS_MAX = 64

/** Streamed replies: those under way on one thread, and parts that the responder may be ahead. */
export const STREAMS_OPEN_MAX = 65_536
export const STREAM_BUFFER_DEFAULT = 1024
export const STREAM_BUFFER_MAX = 65_536

/**
 * Closing: how long `close()` waits for queued messages and agents before it terminates threads.
 */
export const CLOSE_TIMEOUT_MS_DEFAULT = 5000

/** Starting a thread or an agent. */
export const SPAWN_TIMEOUT_MS_DEFAULT = 30_000
/** Characters of an engine's name. */
export const ENGINE_NAME_LENGTH_MAX = 100
export const INSTANCES_MAX = 1024

/** CPUs that a machine may number: as many as Linux can be built for. */
export const CPUS_MAX = 8192

/** Each thread rechecks its inbox this often, whatever was or was not rung. */
export const BEAT_MS = 1000

/**
 * Spinning before a thread sleeps: how long for the next frame, and how long in all before the loop
 * may poll.
 */
export const SPIN_US = 50
export const SPIN_BUDGET_US = 100

/** Fields of one struct, and its bytes. */
export const STRUCT_FIELDS_MAX = 256
export const STRUCT_BYTES_MAX = 65_536

/**
 * A filter: rules within rules, rules in all, values of one `in`, and its text in the change log.
 * Every publish may ask it.
 */
export const FILTER_DEPTH_MAX = 8
export const FILTER_NODES_MAX = 64
export const FILTER_LIST_MAX = 256
export const FILTER_BYTES_MAX = 3072

assert(FRAME_HEADER_BYTES % FRAME_ALIGN_BYTES === 0, 'a payload starts aligned')
assert(
  RING_BYTES_MIN / FRAME_RING_DIVISOR >= 4 * FRAME_HEADER_BYTES,
  'the smallest ring carries a small frame',
)
assert(FLUSH_BYTES >= FRAME_HEADER_BYTES * 8, 'a batch is worth its barrier')
assert(THREADS_MAX % PRODUCERS_PER_READY_GROUP === 0, 'ready groups are full')
assert(PRODUCERS_PER_READY_GROUP * 2 === 32, 'one bit per producer and lane in a 32-bit word')
assert(
  BEAT_MS < REQUEST_TIMEOUT_MS_DEFAULT,
  'a lost wake is found before a default deadline passes',
)
assert(
  CHUNK_CLASSES.reduce((sum, { share }) => sum + share, 0) === CHUNK_SHARES,
  'the block sizes share the whole area',
)
assert(SPIN_US <= SPIN_BUDGET_US, 'one spin fits its budget')
// As a text within a text, each of its quotes takes two bytes.
assert(2 * FILTER_BYTES_MAX + 1024 <= RULES_BYTES_MAX, 'the longest filter fits the rules')
