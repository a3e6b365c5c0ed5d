// The key of a message, for queue groups that choose by it: as a hash, because that is all that the
// choice needs, and it can wait beside a message whose value is gone.

/** The hash of a message without a key. */
export const NO_KEY = 0

const HASH_SEED = 0x811c9dc5 | 0

/**
 * FNV-1a over the text of the key, so that 7 and '7' are one key. Anything but a string, a number,
 * a bigint or a boolean is none.
 */
export function keyHash(key: unknown): number {
  if (typeof key !== 'string') {
    if (typeof key !== 'number' && typeof key !== 'bigint' && typeof key !== 'boolean') {
      return NO_KEY
    }
    return keyHash(String(key))
  }
  let hash = HASH_SEED
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  return hash === NO_KEY ? 1 : hash
}

/**
 * Rendezvous hashing: of all members, the key belongs to the one whose score with it is the
 * highest. A member that comes takes keys from the others and one that goes leaves its own to them;
 * no other key moves. Two members never have the same score: every step is one to one.
 *
 * Thaler, Ravishankar, "A name-based mapping scheme for rendezvous", 1996. The steps are the
 * finalizer of MurmurHash3 by Austin Appleby, in the public domain.
 */
export function rendezvousScore(member: number, key: number): number {
  return mix(mix(member) ^ key) >>> 0
}

function mix(word: number): number {
  let mixed = word ^ (word >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** The keys of one message: one for each field that some group of its route is keyed by. */
export interface MessageKeys {
  readonly fields: readonly string[]
  readonly hashes: readonly number[]
}

/**
 * The keys of `value`; null where no field is asked for. A `key` of the message itself counts for
 * every field.
 */
export function keysOf(
  fields: readonly string[],
  value: unknown,
  key: unknown,
): MessageKeys | null {
  if (fields.length === 0) return null
  const own = keyHash(key)
  const record = typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  const hashOf = (field: string): number =>
    own !== NO_KEY || field === '' ? own : keyHash(record?.[field])
  return { fields, hashes: fields.map(hashOf) }
}

/** The hash for a group that is keyed by `field`; where a message has none, it goes in turn. */
export function hashFor(keys: MessageKeys | null, field: string): number {
  if (keys === null) return NO_KEY
  // The group may be younger than the message: nobody asked for its field then.
  const index = keys.fields.indexOf(field)
  return index === -1 ? NO_KEY : (keys.hashes[index] as number)
}
