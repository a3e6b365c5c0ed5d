// Answers the paced requester, and notes whether each question found it asleep.

import { defineAgent, on } from 'flyshuttle'
import { createTiming } from '../lib/timing.mjs'
import { answerTo } from '../payloads/question.mjs'
import { EXPECT, REPORT, Sum } from './messages.mjs'

const timing = createTiming()

export default defineAgent({
  name: 'timed-responder',
  handle: [
    on(EXPECT, timing.expect),
    on(REPORT, timing.report),
    on(Sum, (question) => {
      timing.take(question.id)
      return answerTo(question)
    }),
  ],
})
