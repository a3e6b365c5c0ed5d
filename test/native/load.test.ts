import { expect, test, vi } from 'vitest'

async function loadAfresh() {
  vi.resetModules()
  return (await import('../../src/native/load.js')).loadBinding()
}

test('FLYSHUTTLE_NO_ADDON=1 does without the addon and says so', async () => {
  vi.stubEnv('FLYSHUTTLE_NO_ADDON', '1')
  expect(await loadAfresh()).toEqual({ binding: null, reason: 'FLYSHUTTLE_NO_ADDON=1' })
  vi.unstubAllEnvs()
})

test('gives either a binding or one line that says why not', async () => {
  const { binding, reason } = await loadAfresh()
  expect(binding === null).toBe(reason !== null)
  expect(reason ?? '').not.toContain('\n')
})

test('answers the same when asked again', async () => {
  vi.resetModules()
  const { loadBinding } = await import('../../src/native/load.js')
  expect(loadBinding()).toBe(loadBinding())
})
