// Receives ticks.

import { foldTick } from '../payloads/tick.mjs'
import { createConsumer } from './consumer.mjs'
import { Tick } from './messages.mjs'

export default createConsumer(Tick, foldTick)
