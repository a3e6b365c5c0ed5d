// The application of `app/` made into bundles, by esbuild and webpack, with the configuration that
// docs/installing.md names. Each agent is an entry of its own, and lies beside the program.

import { build } from 'esbuild'
import webpack from 'webpack'

export interface BundleOptions {
  /** Where the sources lie, and `flyshuttle` among the `node_modules`. */
  readonly from: string
  readonly to: string
  /** ES modules, `main.mjs`; else CommonJS, `main.cjs`. */
  readonly isModule: boolean
  /** The bundle holds Flyshuttle's code. */
  readonly isInside: boolean
}

export const BUNDLERS: [name: string, bundle: (options: BundleOptions) => Promise<unknown>][] = [
  ['esbuild', bundleWithEsbuild],
  ['webpack', bundleWithWebpack],
]

const entriesOf = (isModule: boolean): Record<string, string> => ({
  main: `./${isModule ? 'bundle-esm' : 'bundle-commonjs'}.mjs`,
  square: './square.mjs',
  asker: './asker.mjs',
})

function bundleWithEsbuild({ from, to, isModule, isInside }: BundleOptions): Promise<unknown> {
  return build({
    absWorkingDir: from,
    entryPoints: entriesOf(isModule),
    bundle: true,
    platform: 'node',
    format: isModule ? 'esm' : 'cjs',
    external: isInside ? [] : ['flyshuttle'],
    outdir: to,
    outExtension: { '.js': isModule ? '.mjs' : '.cjs' },
    logLevel: 'error',
  })
}

function bundleWithWebpack({ from, to, isModule, isInside }: BundleOptions): Promise<void> {
  const options: webpack.Configuration = {
    context: from,
    mode: 'none',
    target: 'node20',
    entry: entriesOf(isModule),
    externals: isInside ? {} : { flyshuttle: `${isModule ? 'module' : 'commonjs'} flyshuttle` },
    output: {
      path: to,
      filename: isModule ? '[name].mjs' : '[name].cjs',
      module: isModule,
      library: { type: isModule ? 'module' : 'commonjs2' },
    },
    experiments: { outputModule: isModule },
    node: { __dirname: false },
    // `new URL('./agent.mjs', import.meta.url)` stays as it is written.
    module: isModule ? { parser: { javascript: { importMeta: false, url: false } } } : {},
  }
  return new Promise((resolve, reject) => {
    webpack(options, (error, stats) => {
      if (error !== null) reject(error)
      else if (stats?.hasErrors()) reject(new Error(stats.toString({ preset: 'errors-only' })))
      else resolve()
    })
  })
}
