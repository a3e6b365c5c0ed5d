// binding.gyp is the one list of the addon's sources; CMakeLists.txt reads it. This holds the list
// to the files that there are.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

test('binding.gyp names every source of the addon, and no other', () => {
  const listed = readFileSync(`${root}binding.gyp`, 'utf8').match(/(?<=')native\/[\w/]+\.cc(?=')/g)
  const found = ['glue', 'platform'].flatMap((folder) =>
    readdirSync(`${root}native/${folder}`)
      .filter((name) => name.endsWith('.cc'))
      .map((name) => `native/${folder}/${name}`),
  )
  expect(new Set(listed)).toEqual(new Set(['native/addon.cc', ...found]))
})
