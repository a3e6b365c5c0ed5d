// The application in CommonJS, which imports the package.
const { join } = require('node:path')

async function main() {
  const { createEngine } = await import('flyshuttle')
  const { Square } = await import('./messages.mjs')
  const engine = await createEngine({ threads: 1 })
  await engine.spawn('square', join(__dirname, 'square.mjs'), { thread: 1 })
  console.log(JSON.stringify({ answer: await engine.request(Square, { x: 7 }) }))
  await engine.close()
}

main()
