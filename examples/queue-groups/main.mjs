// Who of several gets a message: the same 240 orders, handed out by each policy to three clerks of
// which one is slow. `node examples/queue-groups/main.mjs`

import { createEngine } from 'flyshuttle'

const POLICIES = ['round-robin', 'least-loaded', 'two-choices', 'weighted', { key: 'customer' }]
const CLERKS = ['ann', 'bob', 'slow sue']
const ORDERS = 240
const CUSTOMERS = 41

const engine = await createEngine({ threads: 0 })
console.log(
  `${'policy'.padEnd(24)}${CLERKS.map((name) => name.padStart(10)).join('')}   clerks per customer`,
)
for (const policy of POLICIES) console.log(await handOut(policy))
await engine.close()

async function handOut(policy) {
  const name = typeof policy === 'string' ? policy : JSON.stringify(policy)
  const served = CLERKS.map(() => 0)
  const clerksOf = Array.from({ length: CUSTOMERS }, () => new Set())
  const clerks = []
  for (const [clerk, who] of CLERKS.entries()) {
    const handle = async ({ customer }) => {
      served[clerk]++
      clerksOf[customer].add(clerk)
      if (who.startsWith('slow')) await pause(4)
    }
    const weight = policy === 'weighted' ? { weight: [3, 2, 1][clerk] } : {}
    const options = { queue: 'clerks', policy, mailbox: ORDERS, ...weight }
    clerks.push(await engine.subscribe('orders', handle, options))
  }
  for (let order = 0; order < ORDERS; order++) {
    await engine.send('orders', { order, customer: order % CUSTOMERS })
    // Orders come one after the other, not all at once.
    if (order % 4 === 3) await pause(1)
  }
  // Waits for what each has in hand.
  await Promise.all(clerks.map((clerk) => clerk.unsubscribe()))
  const most = Math.max(...clerksOf.map((clerks) => clerks.size))
  const total = served.reduce((sum, count) => sum + count)
  if (total !== ORDERS) throw new Error(`served ${total} of ${ORDERS} orders`)
  return `${name.padEnd(24)}${served.map((n) => String(n).padStart(10)).join('')}   up to ${most}`
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
