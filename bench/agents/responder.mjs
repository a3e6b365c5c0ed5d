// Answers the requester.

import { defineAgent, on } from 'flyshuttle'
import { answerTo } from '../payloads/question.mjs'
import { Sum } from './messages.mjs'

export default defineAgent({
  name: 'responder',
  handle: [on(Sum, answerTo)],
})
