import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadBinding } from '../../src/native/load.js'
import { describeAddon } from './addon.js'

const { binding } = loadBinding()

describeAddon('bells', () => {
  test('ring while they are open, and not afterwards', () => {
    const bell = binding!.createBell()
    expect(binding!.ringBell(bell)).toBe(true)
    expect(binding!.ringBell(bell)).toBe(true)
    expect(binding!.closeBell(bell)).toBe(true)
    expect(binding!.ringBell(bell)).toBe(false)
    expect(binding!.closeBell(bell)).toBe(false)
  })

  const obstacle = process.platform === 'win32' ? ' (skipped: no ulimit here)' : ''
  // The reason is in the name.
  test.skipIf(obstacle !== '')(
    `are refused by number when no descriptor is left${obstacle}`,
    () => {
      const file = fileURLToPath(new URL('./fixtures/bells-until-refused.mjs', import.meta.url))
      const limited = 'ulimit -n 64 && exec "$0" "$1"'
      const { stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, file], {
        encoding: 'utf8',
        timeout: 20_000,
        // Where coverage is counted Node writes a file at the end, and could not open it.
        env: { ...process.env, NODE_V8_COVERAGE: undefined },
      })
      expect({ stdout, stderr }).toEqual({
        stdout: `no bell could be made: errno ${constants.errno.EMFILE}\n`,
        stderr: '',
      })
    },
  )

  test('never ring a number that is no bell', () => {
    for (const number of [-1, 1, 2, 65_536, 2 ** 31, Number.NaN]) {
      expect(binding!.ringBell(number)).toBe(false)
    }
    expect(binding!.ringBell(undefined as never)).toBe(false)
  })

  test('do not write into a file that has taken the number of a closed bell', () => {
    const bell = binding!.createBell()
    binding!.closeBell(bell)
    const path = join(tmpdir(), `flyshuttle-bells-${process.pid}`)
    const files = Array.from({ length: 8 }, () => openSync(path, 'w'))
    try {
      expect(binding!.ringBell(bell)).toBe(false)
      for (const file of files) expect(fstatSync(file).size).toBe(0)
    } finally {
      files.forEach(closeSync)
      unlinkSync(path)
    }
  })
})

describeAddon('raiseReady', () => {
  const geometry = [20, 1024, 1024, 8, 8, 1, 0, 0]

  test('raises one bit per producer and lane, in the group of its producer', () => {
    const at = binding!.layout(geometry)
    const region = new Uint8Array(new SharedArrayBuffer(at['regionBytes']!))
    const i32 = new Int32Array(region.buffer)
    const group = (index: number): number =>
      i32[(at['inbox(19)']! + at['INBOX_READY']! + index * at['LINE_BYTES']!) >>> 2]!
    binding!.raiseReady(region, geometry, 0, 19, 0)
    binding!.raiseReady(region, geometry, 3, 19, 1)
    binding!.raiseReady(region, geometry, 18, 19, 1)
    expect([group(0), group(1)]).toEqual([1 | (1 << 7), 1 << 5])
  })

  test('asks once for the bell of a reader that sleeps', () => {
    const at = binding!.layout(geometry)
    const region = new Uint8Array(new SharedArrayBuffer(at['regionBytes']!))
    const i32 = new Int32Array(region.buffer)
    expect(binding!.raiseReady(region, geometry, 0, 19, 0)).toBe(false)
    i32[(at['inbox(19)']! + at['INBOX_SLEEPING']!) >>> 2] = 1
    expect(binding!.raiseReady(region, geometry, 0, 19, 0)).toBe(false)
    expect(binding!.raiseReady(region, geometry, 1, 19, 0)).toBe(true)
    expect(binding!.raiseReady(region, geometry, 2, 19, 0)).toBe(false)
  })
})
