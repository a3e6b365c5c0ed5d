// `requestEach`: a request for each of many values, under one promise.

import { invalid } from '../base/checks.js'
import { checkRpc, type Rpc } from '../codec/message.js'
import { envelopeOfChecked } from '../routing/envelope.js'
import type { RequestBlocks } from '../routing/request-blocks.js'
import { termsOf, type RequestOptions } from '../routing/requests.js'
import { withParent } from './parent.js'
import type { Sender } from '../routing/sender.js'

/** See `Endpoint.requestEach`. */
export async function requestEach(
  blocks: RequestBlocks,
  sender: Sender,
  target: Rpc<any, any> | string,
  values: readonly unknown[],
  options: RequestOptions,
  agent: number,
): Promise<unknown[]> {
  if (!Array.isArray(values)) throw invalid('values', values, 'an array')
  const isTyped = typeof target === 'object' && target !== null
  const message = isTyped ? checkRpc(target).request : null
  const subject = isTyped ? target.subject : target
  let terms = termsOf('requestEach', subject, options)
  const { idempotent, parent } = options
  if (idempotent !== undefined) {
    throw invalid('idempotent', idempotent, 'nothing: requestEach asks each once')
  }
  if (parent !== undefined) terms = termsOf('requestEach', subject, withParent(options, subject))
  const envelope = envelopeOfChecked(options)
  if (values.length === 0) return []
  const block = blocks.begin(subject, values, terms)
  try {
    sender.requestEach(message, subject, agent, block, envelope)
  } catch (error) {
    block.fail(error)
  }
  return block.promise
}
