// Checks the native code in every way there is: unit tests plain, under the address and
// undefined-behaviour sanitizers and under the thread sanitizer; clang-tidy; the fuzzer, its corpus
// first. `npm run check:native`; needs cmake, ninja, g++, clang++ and clang-tidy, and after
// `npm ci` reads the glue too. About two minutes on two cores.
//
//     node scripts/check-native.mjs                   everything
//     node scripts/check-native.mjs asan tidy         some of: plain asan tsan tidy fuzz
//     FLYSHUTTLE_FUZZ_SECONDS=600 node scripts/check-native.mjs fuzz

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const fuzzSeconds = Number(process.env.FLYSHUTTLE_FUZZ_SECONDS ?? 20)

const CHECKS = {
  plain: () => test('plain'),
  asan: () => test('asan'),
  tsan: () => test('tsan'),
  tidy: () => configure('fuzz') && tidy(),
  fuzz: () => test('fuzz') && fuzz(),
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in CHECKS))
if (unknown.length > 0) throw new Error(`no check named ${unknown}; wanted ${Object.keys(CHECKS)}`)

const failed = []
for (const [name, check] of Object.entries(CHECKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const startMs = performance.now()
  const isGood = check()
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  process.stdout.write(`${isGood ? 'passed' : 'FAILED'}  ${name}  ${seconds} s\n`)
  if (!isGood) failed.push(name)
}
process.exitCode = failed.length

function configure(preset) {
  return run('cmake', ['--preset', preset])
}

function test(preset) {
  return (
    configure(preset) &&
    run('cmake', ['--build', '--preset', preset]) &&
    run('ctest', ['--preset', preset, '-j', '2'])
  )
}

/** Every file of ours that the fuzz preset compiles, with clang's flags, several at a time. */
function tidy() {
  const build = join(root, 'build-native', 'fuzz')
  const commands = JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'))
  const files = [...new Set(commands.map(({ file }) => file))]
  const options = ['-P', String(availableParallelism()), '-n', '1', 'clang-tidy', '--quiet']
  return run('xargs', [...options, '-p', build], files.join('\n'))
}

/** A short search from the corpus. What it finds new stays in the build folder. */
function fuzz() {
  const build = join(root, 'build-native', 'fuzz')
  const found = join(build, 'found')
  mkdirSync(found, { recursive: true })
  const options = [`-max_total_time=${fuzzSeconds}`, '-max_len=1042', `-artifact_prefix=${found}/`]
  const corpus = join(root, 'native', 'fuzz', 'corpus')
  return run(join(build, 'native/fuzz/frame_reader_fuzz'), [...options, found, corpus])
}

/** Runs a tool and shows what it said only if it failed. */
function run(command, args, input = '') {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    input,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status === 0) return true
  const end = error?.message ?? (signal === null ? `exit code ${status}` : signal)
  process.stderr.write(`${command} ${args.join(' ')}: ${end}\n${stdout ?? ''}${stderr ?? ''}\n`)
  return false
}
