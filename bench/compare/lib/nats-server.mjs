// A nats-server on loopback for one run, from the PATH. It ends with the run: `keeper.mjs` sits
// between, and ends it when this process is gone, however that happened.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const KEEPER = fileURLToPath(new URL('./keeper.mjs', import.meta.url))
const READY = /Listening for client connections on (127\.0\.0\.1:\d+)/

/** @returns {Promise<{ address: string, close(): Promise<void> } | { notRun: string }>} */
export async function startNatsServer(command = 'nats-server') {
  const words = [KEEPER, command, '--addr', '127.0.0.1', '--port', '-1']
  const keeper = spawn(process.execPath, words, { stdio: ['pipe', 'ignore', 'pipe'] })
  const ended = new Promise((resolve) => keeper.once('close', resolve))
  const found = await new Promise((resolve) => {
    let said = ''
    keeper.stderr.setEncoding('utf8').on('data', (text) => {
      said = (said + text).slice(-10_000)
      const [, address] = READY.exec(said) ?? []
      if (address !== undefined) resolve({ address })
    })
    void ended.then(() => resolve({ said }))
  })
  if (found.address === undefined) {
    if (found.said.includes('ENOENT')) {
      return { notRun: `there is no ${command} on the PATH: apt-get install nats-server` }
    }
    throw new Error(`${command} did not start: ${found.said.trim().split('\n').at(-1)}`)
  }
  const close = async () => {
    keeper.stdin.end()
    await ended
  }
  return { address: found.address, close }
}
