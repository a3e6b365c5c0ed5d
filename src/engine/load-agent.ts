// Loads the file of an agent and returns its definition.
//
// TypeScript files load as they are where Node strips types (22.18 and later) or where the process
// runs under tsx; elsewhere tsx is registered in the thread that needs it, if it is installed.

import { isAgentDefinition } from '../agent/agent.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import type { AnyDefinition } from './agent-host.js'

/** @throws ERR_AGENT_LOAD when the file is missing, throws, or does not export an agent */
export async function loadAgent(name: string, file: string): Promise<AnyDefinition> {
  let module: { default?: unknown }
  try {
    module = (await importAgent(file)) as { default?: unknown }
  } catch (error) {
    throw new FlyshuttleError('ERR_AGENT_LOAD', { agent: name, file, found: textOf(error) }, error)
  }
  // A CommonJS file compiled from ESM carries its default export one level down.
  const exported = isAgentDefinition(module.default)
    ? module.default
    : (module.default as { default?: unknown } | undefined)?.default
  if (isAgentDefinition(exported)) return exported as AnyDefinition
  const found = `its default export is ${describe(module.default)}; wanted defineAgent({ … })`
  throw new FlyshuttleError('ERR_AGENT_LOAD', { agent: name, file, found })
}

async function importAgent(file: string): Promise<unknown> {
  try {
    return await import(/* webpackIgnore: true */ file)
  } catch (error) {
    const isTypeScript = /\.[cm]?ts$/.test(new URL(file).pathname)
    const code = (error as { code?: unknown } | null)?.code
    if (!isTypeScript || code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error
    await registerTypeScript(file)
    // The failure is remembered under the file's own URL.
    return await import(/* webpackIgnore: true */ `${file}?typescript`)
  }
}

async function registerTypeScript(file: string): Promise<void> {
  let tsx: { register(): unknown }
  try {
    tsx = (await import(/* webpackIgnore: true */ 'tsx/esm/api')) as { register(): unknown }
  } catch (error) {
    throw new Error(
      `${file} is TypeScript, which Node ${process.version} does not run; install tsx ` +
        '(npm i -D tsx), use Node 22.18 or later, or spawn the compiled file',
      { cause: error },
    )
  }
  tsx.register()
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : describe(error)
}
