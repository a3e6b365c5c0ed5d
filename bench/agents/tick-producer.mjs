// Sends ticks.

import { tickAt } from '../payloads/tick.mjs'
import { Tick } from './messages.mjs'
import { createProducer } from './producer.mjs'

export default createProducer(Tick, tickAt)
