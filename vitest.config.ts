// How the tests run: each file in a process of its own, because worker threads, the addon and
// process-wide state such as open file descriptors must not leak from one file into the next.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most tests start threads of their own: more files at once would only make them wait for each
    // other.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    // The built package is used as a user's process uses it: loaded by Node, not transformed.
    server: { deps: { external: [/\/dist\//] } },
    typecheck: {
      enabled: true,
      include: ['test/types/**/*.test-d.ts'],
      tsconfig: 'tsconfig.json',
    },
  },
})
