// `flyshuttle/testing`: doors into the house for tests and benchmarks. Nothing here is a promise:
// it may change in any version.

import { BULK_RING_BYTES_MAX_AUTO } from '../base/limits.js'

/** The addon, or why there is none. */
export { loadBinding, type LoadedBinding } from '../native/load.js'
export type { NativeBinding, NativeLimitOptions, NativeLimitResult } from '../native/binding.js'

/** Bytes of a bulk ring in an engine of few threads, when nobody said otherwise. */
export const RING_BYTES_AUTO = BULK_RING_BYTES_MAX_AUTO

// The parts by themselves, for the micro benchmarks.
export {
  ALGORITHMS,
  compressionBy,
  type Algorithm,
  type Compression,
} from '../codec/compression.js'
export { MsgpackDecoder, MsgpackEncoder, type SaveStructures } from '../codec/msgpack.js'
export { compileStruct, type BoundStruct, type StructCodec } from '../codec/struct.js'
export { Lane, planGeometry, type Geometry } from '../memory/layout.js'
export { createRegion, type Region, type Views } from '../memory/region.js'
export { FRAME_KIND_SHIFT, FrameKind } from '../ring/frame.js'
export { RingReader, RingWriter, type FrameHandler, type RingPlace } from '../ring/ring.js'
export { checkSubject, subjectMatches } from '../routing/subject.js'
export { SubjectTrie } from '../routing/subject-trie.js'

// Those for the benchmarks of routing.
export { policyOf } from '../agent/queue-policy.js'
export { createRandom } from '../base/random.js'
export { Outbox } from '../link/outbox.js'
export { DictionaryWriter } from '../memory/dictionary.js'
export { ChangeLogWriter } from '../routing/change-log.js'
export { Group } from '../routing/group.js'
export { RouteTable } from '../routing/route-table.js'
export { NONE_ASKED } from '../routing/wanted.js'
