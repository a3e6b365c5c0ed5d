// Threads that add jobs and handle them are ended at random moments, 300 times: no job is lost. The
// soak test does the same 10,000 times.

import { test } from 'vitest'
import { runKills } from './run-kills.js'

test('every accepted job is handled, whoever is ended while adding or handling', async () => {
  await runKills('queue-kills.mjs', 300)
}, 240_000)
