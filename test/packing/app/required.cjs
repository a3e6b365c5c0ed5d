// The application in CommonJS, which requires the package as it requires any other.
const { join } = require('node:path')
const { createEngine } = require('flyshuttle')
const { Square } = require('./messages.mjs')

async function main() {
  const engine = await createEngine({ threads: 1 })
  await engine.spawn('square', join(__dirname, 'square.mjs'), { thread: 1 })
  console.log(JSON.stringify({ answer: await engine.request(Square, { x: 7 }) }))
  await engine.close()
}

main()
