// Ten thousand messages from one thread to another and as many replies; prints how many came in
// order, and their sum.
import { createEngine } from 'flyshuttle'
import { Square, Tick } from './messages.mjs'

const COUNT = 10_000
const engine = await createEngine({ threads: 1, addon: process.argv.includes('--addon') })
await engine.spawn('source', new URL('./source.mjs', import.meta.url), { thread: 1 })

let inOrder = 0
let sum = 0
await engine.subscribe(Tick, ({ n }) => {
  if (n === inOrder) inOrder++
  sum += n
})
const replies = []
// So long because an emulator is slow.
for (let x = 0; x < COUNT; x++) replies.push(engine.request(Square, { x }, { timeoutMs: 60_000 }))
const squares = await Promise.all(replies)
await engine.request('source.start', COUNT, { timeoutMs: 60_000 })
await engine.close()
const areRight = squares.every(({ y }, x) => y === x * x)
console.log(JSON.stringify({ inOrder, sum, areRight, arch: process.arch }))
