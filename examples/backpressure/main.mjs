// What becomes of messages that find no room, by the rule of their subject: 1,000 readings of one
// sensor for a screen that is busy with the first. `node examples/backpressure/main.mjs`

import { createEngine } from 'flyshuttle'

const READINGS = 1000
const SUBJECTS = {
  'log.wait': {},
  'log.reject': { overflow: 'reject' },
  'log.newest': { overflow: 'drop-newest' },
  'log.oldest': { overflow: 'drop-oldest', maxPerSubject: 3 },
  'log.last': { overflow: 'drop-oldest', maxPerSubject: 1 },
}

console.log('subject        shown  refused  dropped   the last three shown')
for (const subject of Object.keys(SUBJECTS)) console.log(await run(subject))

async function run(subject) {
  const engine = await createEngine({ threads: 0, subjects: SUBJECTS })
  let open
  const busy = new Promise((resolve) => (open = resolve))
  const shown = []
  const screen = await engine.subscribe(
    subject,
    async (reading) => {
      await busy
      shown.push(reading)
    },
    { mailbox: 8 },
  )
  let refused = 0
  for (let reading = 1; reading <= READINGS; reading++) {
    try {
      engine.publish(subject, reading)
    } catch (error) {
      if (error.code !== 'ERR_BACKPRESSURE') throw error
      refused++
    }
    // Readings come one after the other: the mailbox fills, and the sender sees it.
    if (reading % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  open()
  await engine.drained(subject)
  // Waits for what the screen has in hand.
  await screen.unsubscribe()
  const { droppedNewest, droppedOldest } = engine
    .stats()
    .subjects.find(({ pattern }) => pattern === subject)
  await engine.close()
  const dropped = droppedNewest + droppedOldest
  if (shown.length + refused + dropped !== READINGS) throw new Error('some reading is missing')
  const columns = [shown.length, refused, dropped].map((count) => String(count).padStart(8))
  return `${subject.padEnd(12)}${columns.join(' ')}   ${shown.slice(-3).join(' ')}`
}
