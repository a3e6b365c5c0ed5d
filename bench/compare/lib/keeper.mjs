// Runs a command for as long as its own stdin is open, and not longer than a benchmark may take:
//
//     node keeper.mjs nats-server --port -1
//
// Whoever starts it holds the other end of stdin. When that process ends, orderly or killed, stdin
// ends, and so does the command.

import { spawn } from 'node:child_process'

const LIFETIME_MS_MAX = 120_000

const [command, ...words] = process.argv.slice(2)
const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit'] })
const end = () => child.kill()
process.stdin.resume().once('end', end).once('error', end)
setTimeout(end, LIFETIME_MS_MAX).unref()
child.once('error', (error) => {
  console.error(`${command}: ${error.code}`)
  process.exit(1)
})
child.once('close', () => process.exit(0))
