// The tests, run so that what they reach in `src/` can be counted: `npm run test:coverage`.
//
// Node itself counts, in every thread and process (NODE_V8_COVERAGE), what is executed of `dist/`,
// and c8 finds by the source maps which lines of `src/` that is. So the tests of single parts,
// which import from `src/`, get the same parts from `dist/` here, as the engine does.

import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../vitest.config.ts'

const source = /^(?:\.\.\/)+src\/(.*)\.js$/

export default mergeConfig(
  base,
  defineConfig({
    root: fileURLToPath(new URL('..', import.meta.url)),
    test: {
      typecheck: { enabled: false },
      setupFiles: [fileURLToPath(new URL('take-coverage.mjs', import.meta.url))],
    },
    plugins: [
      {
        name: 'dist-for-src',
        enforce: 'pre',
        resolveId(id) {
          const match = source.exec(id)
          if (match === null) return null
          return fileURLToPath(new URL(`../dist/${match[1]}.js`, import.meta.url))
        },
      },
    ],
  }),
)
