// The packed binary for arm64, in Node for arm64 under qemu's emulation of its processor. Run by
// `node scripts/test-arm64.mjs`, which fetches that Node and says where it is. The emulation keeps
// the order of memory of this machine, so it cannot show what a weaker order would break.

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installed, buildPrebuilds, canRun, lineOf, named, whyNotBuilt } from './installed.js'

const SYSTEM = '/usr/aarch64-linux-gnu'
const node = process.env['FLYSHUTTLE_ARM64_NODE'] ?? ''
const launcher = ['qemu-aarch64', '-L', SYSTEM, node]
const obstacle =
  (node === '' ? 'FLYSHUTTLE_ARM64_NODE names no Node' : null) ??
  (canRun('qemu-aarch64') ? null : 'qemu-aarch64 is missing') ??
  whyNotBuilt('linux-arm64')

// Needs another processor's Node and an emulator, which not every machine has.
describe.skipIf(obstacle !== null)(named('on arm64', obstacle), () => {
  let installed: Installed

  beforeAll(() => {
    buildPrebuilds()
    installed = new Installed([])
  }, 240_000)

  afterAll(() => installed?.remove())

  test('the binary for arm64 is the one that loads', { timeout: 240_000 }, async () => {
    const line = lineOf(await installed.run(['main.mjs', '--addon'], {}, launcher))
    const addonFile = join(installed.package, 'prebuilds', 'linux-arm64', 'flyshuttle.node')
    expect(line).toEqual({ answer: { y: 49 }, addonFile, addonReason: null })
  })

  test.each([
    ['with the addon', ['--addon']],
    ['without', []],
  ])('messages arrive whole and in order %s', { timeout: 240_000 }, async (_, options) => {
    const line = lineOf(await installed.run(['flow.mjs', ...options], {}, launcher))
    expect(line).toEqual({ inOrder: 10_000, sum: 49_995_000, areRight: true, arch: 'arm64' })
  })
})
