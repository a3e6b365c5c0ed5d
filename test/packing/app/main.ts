// The application in TypeScript, for tsx.
import { createEngine } from 'flyshuttle'
import { Square } from './square.js'

const engine = await createEngine({ threads: 1 })
await engine.spawn('square', new URL('./square.ts', import.meta.url), { thread: 1 })
console.log(JSON.stringify({ answer: await engine.request(Square, { x: 7 }) }))
await engine.close()
