// Log lines take a fraction of the room when they are compressed. After `npm install lz4-napi`:
// `node examples/compression/main.mjs`

import { createEngine } from 'flyshuttle'
import { setImmediate } from 'node:timers/promises'

const PAGES = 40

/** Pages of a log, as one text each. */
const pages = Array.from({ length: PAGES }, (_, page) => ({
  page,
  text: Array.from(
    { length: 100 },
    (_, line) => `2026-01-01T00:00:${line % 60} info request ${page * 100 + line} took 3 ms\n`,
  ).join(''),
}))

for (const compression of [undefined, { 'logs.>': { algorithm: 'lz4', minBytes: 1024 } }]) {
  const engine = await createEngine({ threads: 0, ...(compression && { compression }) })
  let got = 0
  await engine.subscribe('logs.*', ({ page, text }) => {
    if (text !== pages[page].text) throw new Error(`page ${page} is not what was sent`)
    got++
  })
  for (const page of pages) engine.publish('logs.web', page)
  while (got < PAGES) await setImmediate()
  const { bytes } = engine.stats().links.find(({ lane }) => lane === 'bulk')
  console.log(`${compression ? 'lz4:  ' : 'plain:'} ${PAGES} pages in ${bytes} bytes of the ring`)
  await engine.close()
}
