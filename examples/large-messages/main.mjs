// Frames of a camera, 1 MiB each: one thread fills them in shared memory, two others read them
// where they lie, and one of these keeps the last three. `node examples/large-messages/main.mjs`

import { createEngine } from 'flyshuttle'

const FRAMES = 300
const FRAME_BYTES = 1 << 20
const KEPT = 3

const engine = await createEngine({ threads: 2 })
await engine.spawn('viewer', new URL('./viewer.mjs', import.meta.url))
await engine.spawn('recorder', new URL('./recorder.mjs', import.meta.url), { config: KEPT })

for (let n = 0; n < FRAMES; n++) {
  const loan = await engine.loanWhenFree(FRAME_BYTES)
  loan.bytes.fill(n)
  if (!engine.publishLoan('frames.camera1', loan)) await engine.drained('frames.camera1')
}
// Requests come after the frames, so both have seen all of them by now.
const seen = await engine.request('viewer.seen')
const kept = await engine.request('recorder.kept')
console.log(`the viewer saw ${seen.frames} frames, ${seen.torn} of them torn`)
console.log(`the recorder keeps frames ${kept.join(', ')}`)
for (const { name, agents, as, subject, bytes } of engine.chunks().holders) {
  console.log(`  ${agents.join()} on ${name}: ${as} of ${subject}, ${bytes} bytes`)
}
await engine.close()
console.log(`in use after closing: ${engine.chunks().blocksInUse} blocks`)
