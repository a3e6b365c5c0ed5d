// How the sender chooses a member of a queue group, as users say it and as the change log carries
// it.
//
// The text of a policy is the policy: members agree when their texts are equal, and every sender
// reads the same one.

import { checkKeys, invalid } from '../base/checks.js'

/** Fields that can be a key. Any name, where nothing is known of the message. */
type KeyField<T> = unknown extends T
  ? string
  : { [K in keyof T]-?: T[K] extends string | number | bigint | boolean ? K : never }[keyof T] &
      string

/** The same key goes to the same member as long as it is there. */
export interface KeyPolicy<T = any> {
  /**
   * The field of the message that is the key. A `key` given to `publish` comes first; a message
   * with neither goes to the next in turn.
   */
  readonly key?: KeyField<T>
  /**
   * A message waits for its member when that is full. Default false: another takes it, and the
   * messages of one key may be handled out of order.
   */
  readonly strict?: boolean
}

/**
 * How one member of a queue group, or one of several responders, is chosen:
 *
 * - `'round-robin'`, the default: in turn, those near the sender first;
 * - `'least-loaded'`: who has the least waiting, of all;
 * - `'two-choices'`: who has less waiting, of two taken by chance: nearly as even, for less;
 * - `'weighted'`: in proportion to the members' `weight`;
 * - `'key'` or a `KeyPolicy`: by the message's key.
 */
export type QueuePolicy<T = any> =
  'round-robin' | 'least-loaded' | 'two-choices' | 'weighted' | 'key' | KeyPolicy<T>

export const PolicyKind = {
  RoundRobin: 0,
  LeastLoaded: 1,
  TwoChoices: 2,
  Weighted: 3,
  Key: 4,
} as const
export type PolicyKind = (typeof PolicyKind)[keyof typeof PolicyKind]

/** A policy as senders use it. */
export interface Policy {
  readonly kind: PolicyKind
  /** The field that holds the key; '' for none. */
  readonly field: string
  readonly isStrict: boolean
}

const KINDS: Readonly<Record<string, PolicyKind>> = {
  'round-robin': PolicyKind.RoundRobin,
  'least-loaded': PolicyKind.LeastLoaded,
  'two-choices': PolicyKind.TwoChoices,
  weighted: PolicyKind.Weighted,
  key: PolicyKind.Key,
}
const NAMES = Object.keys(KINDS)

const STRICT = 'strict-key'
const SEPARATOR = ':'

/**
 * The text of a policy as a user gave it: '' for the default, so that whoever says nothing agrees
 * with whoever says `'round-robin'`.
 *
 * @throws ERR_OPTION_INVALID
 */
export function policyText(policy: unknown): string {
  if (policy === undefined || policy === 'round-robin') return ''
  if (typeof policy === 'string' && NAMES.includes(policy)) return policy
  if (typeof policy !== 'object' || policy === null) {
    const names = NAMES.map((name) => `'${name}'`).join(', ')
    throw invalid('policy', policy, `${names} or { key, strict }`)
  }
  checkKeys('policy', policy, ['key', 'strict'])
  const { key, strict = false } = policy as { key?: unknown; strict?: unknown }
  if (key !== undefined && (typeof key !== 'string' || key === '')) {
    throw invalid('policy.key', key, 'the name of a field')
  }
  if (typeof strict !== 'boolean') throw invalid('policy.strict', strict, 'true or false')
  const kind = strict ? STRICT : 'key'
  return key === undefined ? kind : `${kind}${SEPARATOR}${key}`
}

/** What to call the policy of such a text in a message. */
export function policyName(text: string): string {
  const { kind, field, isStrict } = policyOf(text)
  if (kind !== PolicyKind.Key) return `'${text === '' ? 'round-robin' : text}'`
  const parts = [
    ...(field === '' ? [] : [`key: '${field}'`]),
    ...(isStrict ? ['strict: true'] : []),
  ]
  return parts.length === 0 ? "'key'" : `{ ${parts.join(', ')} }`
}

/** The policy of such a text; anything else is the default. */
export function policyOf(text: string): Policy {
  const end = text.indexOf(SEPARATOR)
  const name = end === -1 ? text : text.slice(0, end)
  const field = end === -1 ? '' : text.slice(end + 1)
  if (name === STRICT) return { kind: PolicyKind.Key, field, isStrict: true }
  return { kind: KINDS[name] ?? PolicyKind.RoundRobin, field, isStrict: false }
}
