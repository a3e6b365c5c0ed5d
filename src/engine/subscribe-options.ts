// What `subscribe` and `handle` were given, checked before anything is done.

import type { BatchOptions, SubscribeOptions } from '../agent/agent.js'
import type { Handler, MailboxOptions } from '../agent/mailbox.js'
import { checkCount, checkKeys, invalid } from '../base/checks.js'
import {
  BATCH_MESSAGES_DEFAULT,
  CONCURRENCY_MAX,
  MAILBOX_MESSAGES_DEFAULT,
  REQUESTS_PENDING_MAX,
} from '../base/limits.js'
import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError } from '../base/errors.js'
import { message as createMessage, raw, type Message, type Rpc } from '../codec/message.js'
import { checkPattern, checkSubject } from '../routing/subject.js'

export type SubscribeTarget = string | Message<any> | Rpc<any, any>

const SHARED_OPTIONS = [
  'mailbox',
  'queue',
  'policy',
  'weight',
  'lossy',
  'filter',
  'max',
  'deadLetter',
]
const OPTIONS = [...SHARED_OPTIONS, 'concurrency', 'lazy', 'lease']
const BATCH_OPTIONS = [...SHARED_OPTIONS, 'onBatch', 'batchMax']

export interface CheckedSubscription {
  readonly pattern: string
  /** '' for none. */
  readonly queue: string
  readonly limits: MailboxOptions
  readonly batchMax: number
  /** Null: as many as there are. */
  readonly max: number | null
}

/**
 * `handler` is null for batches: then the options have `onBatch`.
 *
 * @throws ERR_OPTION_INVALID, ERR_SUBJECT_INVALID
 */
export function checkSubscription(
  target: SubscribeTarget,
  handler: Handler | null,
  options: SubscribeOptions | BatchOptions,
  isResponder: boolean,
): CheckedSubscription {
  const isBatch = handler === null
  const what = isResponder ? 'handle' : 'subscribe'
  if (!isBatch && typeof handler !== 'function') throw invalid('handler', handler, 'a function')
  checkKeys(what, options, isBatch ? BATCH_OPTIONS : OPTIONS)
  const { onBatch, batchMax = BATCH_MESSAGES_DEFAULT } = options as Partial<BatchOptions>
  if (isBatch && typeof onBatch !== 'function') throw invalid('onBatch', onBatch, 'a function')
  if (isResponder && options.deadLetter === true) {
    throw invalid('deadLetter', true, 'nothing, for `handle`: the requester hears what went wrong')
  }
  const pattern = checkPattern(typeof target === 'object' ? target?.subject : target)
  const { concurrency = 1, mailbox = MAILBOX_MESSAGES_DEFAULT, max } = options
  const isShared = options.queue !== undefined && options.queue !== false
  const queue = isShared ? checkSubject(options.queue) : ''
  if (max !== undefined && queue !== '') throw invalid('max', max, `none with the queue ${queue}`)
  return {
    pattern,
    queue,
    limits: {
      pattern,
      concurrency: checkCount('concurrency', concurrency, 1, CONCURRENCY_MAX),
      messagesMax: checkCount('mailbox', mailbox, 1, REQUESTS_PENDING_MAX),
      isLossy: options.lossy === true,
    },
    batchMax: checkCount('batchMax', batchMax, 1, REQUESTS_PENDING_MAX),
    max: max === undefined ? null : checkCount('max', max, 1, Number.MAX_SAFE_INTEGER),
  }
}

/** What a lease of whatever comes on a pattern must be. */
export const ANY_BYTES = createMessage('lease', raw) as Message<unknown>

/** @throws ERR_OPTION_INVALID where there are no bytes to read in place */
export function checkLease(
  { lazy }: SubscribeOptions,
  message: Message<unknown> | null,
  isResponder: boolean,
): void {
  const isRaw = message === null || message.codec === CodecId.Raw
  if (isRaw && !isResponder && lazy !== true) return
  const found = isResponder ? 'for requests' : isRaw ? 'with `lazy`' : `of ${message.subject}`
  const wanted = 'a subscription to raw bytes'
  throw new FlyshuttleError('ERR_OPTION_INVALID', { option: 'lease', found, wanted })
}
