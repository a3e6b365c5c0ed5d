// Threads that lend and lease all the time are ended at random instants, 300 times: what is leased
// stays whole, and no block is left in use. The soak test does it 1,000 times.

import { test } from 'vitest'
import { runKills } from './run-kills.js'

test('threads ended with loans and leases in hand leave no block in use', async () => {
  await runKills('loan-kills.mjs', 300)
}, 600_000)
