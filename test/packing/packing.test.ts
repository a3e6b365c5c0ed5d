// The package as users get it: packed, installed into an empty folder, run in every way in which
// programs are run. The sources of what runs lie in `app/`.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BUNDLERS } from './bundlers.js'
import {
  Installed,
  PLATFORM,
  buildPrebuilds,
  canRun,
  lineOf,
  named,
  runOrThrow,
  whyNotBuilt,
} from './installed.js'

const answer = { y: 49 }
const noBinary = whyNotBuilt()

let installed: Installed
let binary = ''

beforeAll(() => {
  buildPrebuilds()
  installed = new Installed(['fastify', 'tsx'])
  binary = join(installed.package, 'prebuilds', PLATFORM, 'flyshuttle.node')
}, 240_000)

afterAll(() => installed?.remove())

/** Runs `work` with the installed binary moved away. */
async function withoutBinary(work: () => Promise<void>): Promise<void> {
  const [here, away] = ['prebuilds', 'moved'].map((name) => join(installed.package, name))
  if (!existsSync(here as string)) return work()
  renameSync(here as string, away as string)
  try {
    await work()
  } finally {
    renameSync(away as string, here as string)
  }
}

describe('the tarball', () => {
  test('holds what runs, what types need and what builds the addon, and nothing else', () => {
    const folders = new Set(installed.packed.map((path) => path.split('/')[0]))
    const wanted = ['CHANGELOG.md', 'LICENSE', 'README.md', 'binding.gyp', 'dist', 'docs', 'native']
    const more = ['package.json', 'src']
    expect([...folders].filter((name) => name !== 'prebuilds').sort()).toEqual(
      [...wanted, ...more].sort(),
    )
    expect(installed.packed).toContain('dist/engine/thread-main.js')
    expect(installed.packed).toContain('dist/index.d.ts')
  })

  // Cross compilers are not everywhere.
  test.skipIf(noBinary !== null)(named('holds the binary of this platform', noBinary), () => {
    expect(installed.packed).toContain(`prebuilds/${PLATFORM}/flyshuttle.node`)
  })

  test('runs no script when it is installed', () => {
    const text = readFileSync(join(installed.package, 'package.json'), 'utf8')
    const manifest = JSON.parse(text) as { scripts: Record<string, string>; gypfile: boolean }
    expect(manifest.gypfile).toBe(false)
    expect(Object.keys(manifest.scripts).filter((name) => /install$/.test(name))).toEqual([])
  })
})

describe('an installed package', () => {
  // Cross compilers are not everywhere.
  test.skipIf(noBinary !== null)(
    named('runs with the binary that it carries', noBinary),
    async () => {
      const line = lineOf(await installed.run(['main.mjs', '--addon']))
      expect(line).toEqual({ answer, addonFile: binary, addonReason: null })
    },
  )

  test('runs without the binary, and knows why', async () => {
    await withoutBinary(async () => {
      const addonReason = `there is no flyshuttle.node for ${PLATFORM} in the package`
      const line = lineOf(await installed.run(['main.mjs']))
      expect(line).toEqual({ answer, addonFile: null, addonReason })
    })
  })

  test('says what to do when the binary is wanted and not there', async () => {
    await withoutBinary(async () => {
      const { code, stderr } = await installed.run(['main.mjs', '--addon'])
      expect(code).toBe(1)
      expect(stderr).toContain('ERR_ADDON_MISSING')
      expect(stderr).toContain(`${binary}: not there`)
      expect(stderr).toContain(`Node ${process.version}`)
      expect(stderr).toContain('leave out `addon: true`')
    })
  })

  test('runs from CommonJS, imported', async () => {
    expect(lineOf(await installed.run(['main.cjs']))).toEqual({ answer })
  })

  test('runs from CommonJS, required', async () => {
    expect(lineOf(await installed.run(['required.cjs']))).toEqual({ answer })
  })

  test('runs under tsx with an agent in TypeScript', async () => {
    expect(lineOf(await installed.run(['--import', 'tsx', 'main.ts']))).toEqual({ answer })
  })

  test('runs inside a Fastify service, which closes cleanly', async () => {
    expect(lineOf(await installed.run(['service.mjs']))).toEqual({ answer })
  })
})

describe.each(BUNDLERS)('a bundle made by %s', (bundler, bundle) => {
  test.each([
    ['ES modules that leaves Flyshuttle out', true, false],
    ['ES modules that holds Flyshuttle', true, true],
    ['CommonJS that leaves Flyshuttle out', false, false],
    ['CommonJS that holds Flyshuttle', false, true],
  ])('in %s runs where the package is installed', async (what, isModule, isInside) => {
    const from = installed.folder
    const to = join(from, `${bundler}, ${what}`)
    await bundle({ from, to, isModule, isInside })
    const line = lineOf(await installed.run([join(to, isModule ? 'main.mjs' : 'main.cjs')]))
    expect(line).toMatchObject({ answer, addonFile: noBinary === null ? binary : null })
  })

  test('says what is missing where the package is not installed', async () => {
    const from = installed.folder
    const to = join(from, `${bundler}, alone`)
    await bundle({ from, to, isModule: true, isInside: true })
    const away = join(from, 'moved')
    renameSync(installed.package, away)
    try {
      const { code, stderr } = await installed.run([join(to, 'main.mjs')])
      expect(code).toBe(1)
      expect(stderr).toContain('ERR_PACKAGE_MISSING')
      expect(stderr).toContain(`node_modules of ${from}`)
    } finally {
      renameSync(away, installed.package)
    }
  })
})

const LIBCS = [
  ['glibc', 'gcc'],
  ['musl', 'musl-gcc'],
] as const

describe.each(LIBCS)('under %s the packed binary', (_, compiler) => {
  const obstacle = noBinary ?? (canRun(compiler) ? null : `${compiler} is missing`)
  // Made with the compiler of that libc: Debian's musl-tools have musl-gcc.
  test.skipIf(obstacle !== null)(named('loads with every symbol bound', obstacle), () => {
    const source = fileURLToPath(new URL('./native/host.c', import.meta.url))
    const stubs = runOrThrow('nm', ['-D', '--undefined-only', binary]).match(/napi_\w+/g) ?? []
    const text = stubs.map((name) => `int ${name}(void) { return 0; }\n`).join('')
    writeFileSync(join(installed.folder, 'stubs.h'), text)
    const host = join(installed.folder, `host-${compiler}`)
    runOrThrow(compiler, ['-rdynamic', `-I${installed.folder}`, '-o', host, source, '-ldl'])
    expect(runOrThrow(host, [binary])).toBe('8\n')
  })
})

describe('a binary that is no good', () => {
  // Cross compilers are not everywhere.
  test.skipIf(noBinary !== null)(
    named('is named with what the loader says', noBinary),
    async () => {
      await withoutBinary(async () => {
        const broken = join(installed.package, 'build', 'Release')
        mkdirSync(broken, { recursive: true })
        writeFileSync(join(broken, 'flyshuttle.node'), 'no ELF file')
        try {
          const { addonReason, ...rest } = lineOf(await installed.run(['main.mjs']))
          expect(rest).toEqual({ answer, addonFile: null })
          expect(addonReason).toMatch(/Release.flyshuttle\.node: .*(ELF|too short)/)
        } finally {
          rmSync(join(installed.package, 'build'), { recursive: true })
        }
      })
    },
  )

  const noPreload = noBinary ?? (canRun('gcc') ? null : 'gcc is missing')
  // The runtime without libuv is made with gcc.
  test.skipIf(noPreload !== null)(
    named('does no harm in a process that does not show libuv', noPreload),
    async () => {
      const source = fileURLToPath(new URL('./native/no-libuv.c', import.meta.url))
      const library = join(installed.folder, 'no-libuv.so')
      runOrThrow('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl'])
      const line = lineOf(await installed.run(['main.mjs'], { LD_PRELOAD: library }))
      expect(line).toEqual({
        answer,
        addonFile: null,
        addonReason: `${binary}: libuv's uv_backend_timeout is not exported by this process`,
      })
    },
  )
})
