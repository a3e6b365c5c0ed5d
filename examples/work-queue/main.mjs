// Thumbnails by two workers. One dies in the middle of a picture, one picture cannot be drawn, one
// is asked for twice: every picture that can be drawn is drawn, and what cannot is kept.

import { createEngine } from 'flyshuttle'

// `onError` hears what handlers throw, and of the worker that dies; here both are wanted.
const engine = await createEngine({ threads: 2, onError: () => {} })
const jobs = await engine.queue('thumbnails', { maxDeliver: 3, backoffMs: [5] })
const drawn = new Map()
await engine.subscribe('drawn', ({ picture, attempt }) => drawn.set(picture, attempt))
const file = new URL('./painter.mjs', import.meta.url)
for (const thread of [1, 2]) await engine.spawn(`painter-${thread}`, file, { thread })

for (let picture = 1; picture <= 12; picture++) {
  await jobs.add({ picture }, { id: `upload-${picture}`, key: `user-${picture % 3}` })
}
console.log(`asked for picture 1 again: ${await jobs.add({ picture: 1 }, { id: 'upload-1' })}`)

const isDone = () => {
  const { ready, waiting, inHand, dying } = jobs.inspect()
  return ready + waiting + inHand + dying === 0 && drawn.size === 11
}
while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5))
const again = [...drawn].filter(([, attempt]) => attempt > 1).map(([picture]) => picture)
console.log(`drawn: ${drawn.size} pictures; picture ${again.join(', ')} at the second attempt`)
for (const { attempts, error } of await engine.deadLetters.list()) {
  console.log(`given up after ${attempts} attempts: ${error}`)
}
await engine.close()
