// What every sender must know of a subscription beside its pattern, from the options it was made
// with. Checked here, before anybody hears of it; written to the change log.

import type { SubscribeOptions } from '../agent/agent.js'
import { PolicyKind, policyOf, policyText } from '../agent/queue-policy.js'
import { checkCount, invalid } from '../base/checks.js'
import { QUEUE_WEIGHT_MAX } from '../base/limits.js'
import type { CompiledFilter } from '../codec/filter.js'
import type { Message } from '../codec/message.js'
import type { SubscriptionRules } from '../routing/change-log.js'

/**
 * The rules of a subscription; undefined for none. `message` is what it was made with, if that is
 * known. `isShared`: it answers requests or belongs to a queue group.
 *
 * @throws ERR_OPTION_INVALID
 */
export function rulesOf(
  options: SubscribeOptions,
  message: Message<unknown> | null,
  isShared: boolean,
  filter: CompiledFilter | null,
): SubscriptionRules | undefined {
  const text = policyText(options.policy)
  const { kind, field } = policyOf(text)
  const isWeighted = kind === PolicyKind.Weighted
  if (text !== '' && !isShared) {
    throw invalid('policy', options.policy, 'a queue to share messages in, beside it')
  }
  if (options.weight !== undefined && !isWeighted) {
    throw invalid('weight', options.weight, "policy 'weighted' beside it")
  }
  const fields = message?.struct?.fields
  if (field !== '' && fields !== undefined && !(field in fields)) {
    throw invalid(
      'policy.key',
      field,
      `a field of ${message?.subject}: ${Object.keys(fields).join(', ')}`,
    )
  }
  const wanted = filter === null ? undefined : { filter: filter.text }
  if (text === '') return wanted
  if (!isWeighted) return { ...wanted, policy: text }
  return {
    ...wanted,
    policy: text,
    weight: checkCount('weight', options.weight ?? 1, 1, QUEUE_WEIGHT_MAX),
  }
}

/** Whether senders want to know how much waits for the subscription. */
export function asksForLoad(rules: SubscriptionRules | undefined): boolean {
  const { kind } = policyOf(rules?.policy ?? '')
  return kind === PolicyKind.LeastLoaded || kind === PolicyKind.TwoChoices
}
