// A fresh process for one run, so that nothing of one contender (heap, compiled code, threads) is
// there when the next one runs.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const RUN_ONE = fileURLToPath(new URL('../run-one.mjs', import.meta.url))

/** A run lasts about a second; one that lasts this long will not end. */
const TIMEOUT_MS = 60_000

/**
 * What the run printed, or `{ failed }` with the reason when it did not come to that.
 *
 * @param {string} file of the scenario
 * @param {string} contender
 * @param {import('./measure.mjs').Options} options
 * @returns {Promise<any>}
 */
export function runInFreshProcess(file, contender, options) {
  const child = spawn(process.execPath, [RUN_ONE, file, contender, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  let out = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text))
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ failed: error.message }))
    child.once('close', (status, signal) => {
      if (status === 0) resolve(parsed(out))
      else if (signal === 'SIGKILL') resolve({ failed: `no result after ${TIMEOUT_MS / 1000} s` })
      else resolve({ failed: `ended with ${signal ?? status}: ${reasonIn(complaints)}` })
    })
  })
}

function parsed(out) {
  const line = out.trim().split('\n').at(-1)
  try {
    return JSON.parse(line)
  } catch {
    return { failed: `printed ${JSON.stringify(line)} for a result` }
  }
}

/** The line that names the error in what Node prints about an uncaught one. */
function reasonIn(complaints) {
  const lines = complaints.trim().split('\n')
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '').trim()
}
