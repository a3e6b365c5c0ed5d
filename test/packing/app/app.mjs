// A program of two agents on threads of their own, as a user would write it: `asker` is asked for
// the square of a number and asks `square`. Prints what came of it as one line of JSON.
import { createEngine } from 'flyshuttle'
import { Ask } from './messages.mjs'

/** @param {(name: string) => string | URL} fileOf the file of an agent */
export async function runApp(fileOf, options = {}) {
  const engine = await createEngine({ threads: 2, ...options })
  await engine.spawn('square', fileOf('square'), { thread: 1 })
  await engine.spawn('asker', fileOf('asker'), { thread: 2 })
  const answer = await engine.request(Ask, { x: 7 })
  const { addonFile, addonReason } = engine.capabilities
  console.log(JSON.stringify({ answer, addonFile, addonReason }))
  await engine.close()
}
