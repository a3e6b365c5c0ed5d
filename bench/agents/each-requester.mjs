// Asks the responder many questions in one call.

import { defineAgent, on } from 'flyshuttle'
import { ask } from '../lib/ask.mjs'
import { ASK, Sum } from './messages.mjs'

export default defineAgent({
  name: 'each-requester',
  handle: [on(ASK, (job, info, context) => ask((values) => context.requestEach(Sum, values), job))],
})
