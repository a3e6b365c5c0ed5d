// Asks the timed responder, each question at its time.

import { defineAgent, on } from 'flyshuttle'
import { askPaced } from '../lib/ask-paced.mjs'
import { ASK, Sum } from './messages.mjs'

export default defineAgent({
  name: 'paced-requester',
  handle: [on(ASK, (job, info, context) => askPaced((value) => context.request(Sum, value), job))],
})
