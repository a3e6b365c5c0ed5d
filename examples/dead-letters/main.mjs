// A printer that runs out of paper: what it could not print is kept, looked at, and printed later.
// `node examples/dead-letters/main.mjs`

import { createEngine, message, u32, utf8 } from 'flyshuttle'
import { setImmediate } from 'node:timers/promises'

const Page = message('print.page', { number: u32, text: utf8(40) })

const engine = await createEngine({
  threads: 0,
  deadLetters: { letters: 100, overflow: 'drop-oldest', replays: 2 },
  onError: () => {}, // Told of every handler that throws; here the letters say it.
})
let paper = 2
const printed = []

await engine.subscribe(
  Page,
  ({ number }) => {
    if (paper === 0) throw new Error(`out of paper at page ${number}`)
    paper--
    printed.push(number)
  },
  { deadLetter: true },
)

for (let number = 1; number <= 5; number++) {
  engine.publish(Page, { number, text: `page ${number}` }, { headers: { job: 'j1' } })
}
while ((await engine.deadLetters.info()).size < 3) await setImmediate()
console.log(`printed ${printed.join(', ')}`)

for (const { id, reason, error } of await engine.deadLetters.list({ subject: 'print.*' })) {
  const { value, headers } = await engine.deadLetters.peek(id)
  console.log(`letter ${id}: ${reason}, ${error}; job ${headers.job}, "${value.text}"`)
}

paper = 10
const { replayed } = await engine.deadLetters.replay({ subject: 'print.*' })
while (printed.length < 5) await setImmediate()
console.log(`replayed ${replayed}, printed ${printed.join(', ')}`)
await engine.close()
