// Asks the responder, one question at a time or many at once.

import { defineAgent, on } from 'flyshuttle'
import { ask } from '../lib/ask.mjs'
import { ASK, Sum } from './messages.mjs'

export default defineAgent({
  name: 'requester',
  handle: [on(ASK, (job, info, context) => ask((value) => context.request(Sum, value), job))],
})
