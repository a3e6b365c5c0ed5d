import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { tryPlaces, type FindBinding } from '../../src/native/load.js'

const PREBUILT = join('pack', 'prebuilds', `${process.platform}-${process.arch}`, 'flyshuttle.node')
const BUILT = join('pack', 'build', 'Release', 'flyshuttle.node')

async function loadAfresh() {
  vi.resetModules()
  return (await import('../../src/native/load.js')).loadBinding()
}

/** Tries the places of a package in `pack` that holds these files: an addon, or an error. */
function tryWith(files: Record<string, object>) {
  const bindings: FindBinding = (options) => {
    const [place = []] = options.try
    const file = join(...place.map((part) => (({ ...options })[part] as string) ?? part))
    const found = files[file]
    if (found === undefined) throw Object.assign(new Error('Could not locate'), { tries: [file] })
    if (found instanceof Error) throw found
    return found
  }
  return tryPlaces('pack', bindings)
}

const addon = () => ({ explainLoop: () => null })

test('FLYSHUTTLE_NO_ADDON=1 does without the addon and says so', async () => {
  vi.stubEnv('FLYSHUTTLE_NO_ADDON', '1')
  const { binding, reason } = await loadAfresh()
  expect({ binding, reason }).toEqual({ binding: null, reason: 'FLYSHUTTLE_NO_ADDON=1' })
  vi.unstubAllEnvs()
})

test('gives either a binding and its file, or one line that says why not', async () => {
  const { binding, file, reason } = await loadAfresh()
  expect(binding === null).toBe(reason !== null)
  expect(file === null).toBe(reason !== null)
  expect(reason ?? '').not.toContain('\n')
})

test('answers the same when asked again', async () => {
  vi.resetModules()
  const { loadBinding } = await import('../../src/native/load.js')
  expect(loadBinding()).toBe(loadBinding())
})

test('prefers what was built here to what the package carries', () => {
  const built = addon()
  const { binding, file } = tryWith({ [BUILT]: built, [PREBUILT]: addon() })
  expect(binding).toBe(built)
  expect(file).toBe(BUILT)
})

test('takes what the package carries for this platform when nothing was built here', () => {
  const prebuilt = addon()
  const { binding, file } = tryWith({ [PREBUILT]: prebuilt })
  expect(binding).toBe(prebuilt)
  expect(file).toBe(PREBUILT)
})

test('goes on to the next file when one does not load, and remembers why', () => {
  const prebuilt = addon()
  const broken = new Error('built for another machine\nat some place')
  const { binding, attempts } = tryWith({ [BUILT]: broken, [PREBUILT]: prebuilt })
  expect(binding).toBe(prebuilt)
  expect(attempts).toEqual([
    { file: BUILT, obstacle: 'built for another machine' },
    { file: PREBUILT, obstacle: null },
  ])
})

test('names the file and what is wrong with it when none loads', () => {
  const { binding, file, reason } = tryWith({ [PREBUILT]: new Error('symbol not found') })
  expect([binding, file]).toEqual([null, null])
  expect(reason).toBe(`${PREBUILT}: symbol not found`)
})

test('names the platform when there is no file for it', () => {
  const machine = `${process.platform}-${process.arch}`
  expect(tryWith({}).reason).toBe(`there is no flyshuttle.node for ${machine} in the package`)
})

test('does without an addon that cannot work in the event loop of this process', () => {
  const lost = { explainLoop: () => "libuv's uv_poll_init is not exported by this process" }
  const { binding, reason } = tryWith({ [PREBUILT]: lost })
  expect(binding).toBeNull()
  expect(reason).toBe(`${PREBUILT}: libuv's uv_poll_init is not exported by this process`)
})
