// For tests that need the addon: skipped, with the reason in their name, where it cannot be built.
// It must be built here: a prebuilt binary has no rigs for tests.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { loadBinding } from '../../src/native/load.js'

const { binding, reason } = loadBinding()
const obstacle = binding === null || 'measureLimit' in binding ? reason : 'only a prebuilt one'

/** A group of tests of the addon. */
export function describeAddon(name: string, tests: () => void): void {
  if (obstacle === null) describe(name, tests)
  // The reason is in the name.
  else describe.skip(`${name} (skipped, no addon: ${obstacle})`, tests)
}

/** A group of tests of what the addon can do on Linux alone, such as pinning a thread. */
export function describeOnLinux(name: string, tests: () => void): void {
  if (process.platform === 'linux') describeAddon(name, tests)
  // The reason is in the name.
  else describe.skip(`${name} (skipped: on Linux alone)`, tests)
}

/** Runs a fixture in a Node process of its own. */
export function runFixture(name: string, ...args: string[]) {
  const file = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, signal, stderr, lines: stdout.trim().split('\n') }
}
