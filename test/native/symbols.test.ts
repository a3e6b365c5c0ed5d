// What the addon asks of the process that loads it: Node-API and the C and C++ libraries. All else
// is looked up by name and may be absent.

import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { loadBinding } from '../../src/native/load.js'
import { describeAddon } from './addon.js'

const hasNm = spawnSync('nm', ['--version']).status === 0
const { binding, file } = loadBinding()

describeAddon('the addon', () => {
  // Reads the table of symbols with binutils, which come with gcc.
  test.skipIf(!hasNm)(
    `leaves nothing of libuv or OpenSSL undefined${hasNm ? '' : ', no nm'}`,
    () => {
      const { stdout } = spawnSync('nm', ['-D', '--undefined-only', file as string], {
        encoding: 'utf8',
      })
      const names = stdout.match(/(?<= [UwWv] )\S+/g) ?? []
      expect(names).toContain('napi_get_uv_event_loop')
      const foreign = names.filter((name) => !/^(napi_|_Z|__cxa_|_ITM_|__gmon)|@GLIBC/.test(name))
      expect(foreign).toEqual([])
    },
  )

  test('finds all of libuv that it needs in this process', () => {
    expect(binding?.explainLoop()).toBeNull()
  })

  test.each(['backend_timeout', 'close', 'handle_size', 'poll_init', 'version'])(
    'says so where uv_%s is not there',
    (name) => {
      const obstacle = `libuv's uv_${name} is not exported by this process`
      expect(binding?.explainLoop(name)).toBe(obstacle)
    },
  )
})
