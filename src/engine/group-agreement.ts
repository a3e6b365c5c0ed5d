// Sees to it, on thread 0, that all members of a queue group choose by one policy: every sender
// picks for itself, and could not obey two.
//
// A group is what a message may find together: subscriptions of one queue, or responders, whose
// patterns some subject matches both. Nearly all patterns are concrete and nearly all groups agree,
// so members are kept by policy, and only those of another one are looked through.

import { FlyshuttleError } from '../base/errors.js'
import { policyName } from '../agent/queue-policy.js'
import { SubscriptionFlag, type Subscription } from '../routing/change-log.js'
import { isPattern, patternsOverlap } from '../routing/subject.js'

/** Patterns of one policy within a group, and how many members have each. */
interface Patterns {
  readonly concrete: Map<string, number>
  readonly wild: Map<string, number>
}

export class GroupAgreement {
  readonly #groups = new Map<string, Map<string, Patterns>>()

  /**
   * Takes in a subscription, if it shares messages at all.
   *
   * @throws ERR_OPTION_INVALID when another member of its group has another policy
   */
  add(subscription: Subscription): void {
    const name = groupOf(subscription)
    if (name === null) return
    const policy = subscription.rules?.policy ?? ''
    const { pattern } = subscription
    const policies = this.#groups.get(name) ?? new Map<string, Patterns>()
    for (const [other, patterns] of policies) {
      const rival = other === policy ? null : rivalOf(pattern, patterns)
      if (rival !== null) throw disagreement(subscription, policy, other, rival)
    }
    this.#groups.set(name, policies)
    let patterns = policies.get(policy)
    if (patterns === undefined) {
      policies.set(policy, (patterns = { concrete: new Map(), wild: new Map() }))
    }
    const counts = isPattern(pattern) ? patterns.wild : patterns.concrete
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1)
  }

  /** Forgets a subscription that was taken in. */
  remove(subscription: Subscription): void {
    const name = groupOf(subscription)
    const policies = name === null ? undefined : this.#groups.get(name)
    const policy = subscription.rules?.policy ?? ''
    const patterns = policies?.get(policy)
    if (name === null || policies === undefined || patterns === undefined) return
    const { pattern } = subscription
    const counts = isPattern(pattern) ? patterns.wild : patterns.concrete
    const count = counts.get(pattern) ?? 0
    if (count > 1) counts.set(pattern, count - 1)
    else counts.delete(pattern)
    if (patterns.concrete.size + patterns.wild.size === 0) policies.delete(policy)
    if (policies.size === 0) this.#groups.delete(name)
  }
}

/** Responders of a subject are one group, whatever their queue; null for a plain subscription. */
function groupOf({ flags, queue }: Subscription): string | null {
  if ((flags & SubscriptionFlag.Responder) !== 0) return ''
  return queue === '' ? null : queue
}

function rivalOf(pattern: string, { concrete, wild }: Patterns): string | null {
  for (const other of wild.keys()) if (patternsOverlap(pattern, other)) return other
  if (!isPattern(pattern)) return concrete.has(pattern) ? pattern : null
  for (const other of concrete.keys()) if (patternsOverlap(pattern, other)) return other
  return null
}

function disagreement(
  { queue, flags, pattern }: Subscription,
  policy: string,
  other: string,
  rival: string,
): FlyshuttleError {
  const isResponder = (flags & SubscriptionFlag.Responder) !== 0
  const whose = isResponder ? 'the responders of' : `queue group ${queue} on`
  return new FlyshuttleError('ERR_OPTION_INVALID', {
    option: 'policy',
    found: `${policyName(policy)} for ${pattern}`,
    wanted: `${policyName(other)}, as ${whose} ${rival} have it`,
  })
}
