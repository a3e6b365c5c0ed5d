// An engine per test, with and without the addon, closed whatever happens.

import { createEngine, type Engine, type EngineOptions } from 'flyshuttle'
import { afterEach } from 'vitest'

const open: Engine[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()))
})

/** What each suite runs over. FLYSHUTTLE_NO_ADDON leaves only the portable half. */
export const VARIANTS: { name: string; addon: boolean }[] =
  process.env['FLYSHUTTLE_NO_ADDON'] === '1'
    ? [{ name: 'portable', addon: false }]
    : [
        { name: 'addon', addon: true },
        { name: 'portable', addon: false },
      ]

export async function engineFor(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options)
  open.push(engine)
  return engine
}

export function fixture(name: string): URL {
  return new URL(`../fixtures/agents/${name}`, import.meta.url)
}

/**
 * Waits until `condition` holds, looking once per turn of the loop; the test's own timeout is the
 * limit.
 */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}
