// Threads that reply with streams and read those of others are ended at random instants, 300 times:
// parts stay in order, every iteration settles, nothing stays open. The soak test does it 3,000
// times.

import { test } from 'vitest'
import { runKills } from './run-kills.js'

test('threads ended in the middle of streams leave none of them open', async () => {
  await runKills('stream-kills.mjs', 300)
}, 600_000)
