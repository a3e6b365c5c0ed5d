import { expect, test } from 'vitest'
import { advise, type Machine } from '../../src/native/advice.js'

const NOTHING = { binding: null, file: null, reason: 'none', attempts: [] }
const debian: Machine = {
  platform: 'linux',
  arch: 'x64',
  libc: 'glibc 2.36',
  node: 'v20.19.0',
  systems: ['debian'],
}

test('lists each file that was tried, with what was wrong', () => {
  const attempts = [
    { file: 'build/Release/flyshuttle.node', obstacle: 'not there' },
    { file: 'prebuilds/linux-x64/flyshuttle.node', obstacle: 'invalid ELF header' },
  ]
  expect(
    advise({ ...NOTHING, attempts }, debian)
      .split('\n')
      .slice(0, 2),
  ).toEqual([
    '  build/Release/flyshuttle.node: not there',
    '  prebuilds/linux-x64/flyshuttle.node: invalid ELF header',
  ])
})

test('says what this machine is', () => {
  expect(advise(NOTHING, debian)).toContain('This is linux x64 glibc 2.36, Node v20.19.0.')
  expect(advise(NOTHING)).toContain(`Node ${process.version}`)
})

test.each([
  ['Debian', ['debian'], 'apt-get install -y g++ make python3'],
  ['a child of Debian', ['ubuntu', 'debian'], 'apt-get install -y g++ make python3'],
  ['Alpine', ['alpine'], 'apk add g++ make python3 linux-headers'],
  ['a child of Red Hat', ['rocky', 'rhel', 'centos', 'fedora'], 'dnf install -y gcc-c++'],
  ['something unknown', ['haiku'], 'install a C++20 compiler, make and Python 3'],
])('names the command that installs a compiler on %s', (_, systems, command) => {
  const text = advise(NOTHING, { ...debian, systems })
  expect(text).toContain(command)
  expect(text).toContain('npx node-gyp rebuild -C node_modules/flyshuttle')
})

test('promises no addon on Windows', () => {
  const text = advise(NOTHING, { ...debian, platform: 'win32', libc: '', systems: ['win32'] })
  expect(text).toContain('There is no addon for Windows.')
  expect(text).not.toContain('node-gyp')
})

test('says how to go on without', () => {
  expect(advise(NOTHING, debian)).toContain('leave out `addon: true`')
})
