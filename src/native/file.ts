// Which file the addon came from, for those who wonder which of several was loaded.

import { createRequire } from 'node:module'

/** Path of the addon that this thread has loaded, or null. */
export function addonFile(): string | null {
  const { cache } = createRequire(import.meta.url)
  return Object.keys(cache).find((file) => /flyshuttle[^/\\]*\.node$/.test(file)) ?? null
}
