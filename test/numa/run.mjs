// `npm run test:numa`: proves placement on a machine with two NUMA nodes, which is a guest under
// qemu.
//
// It boots a Debian kernel with nothing but busybox, this Node and the built package. There
// guest.mjs does the checks and prints a verdict on the serial console. Uses KVM where that works;
// without it all is the same, but slow. FLYSHUTTLE_KERNEL names a kernel (vmlinuz); else the
// smallest of Debian is fetched by apt-get into node_modules/.cache. Needs the packages in TOOLS.

import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { chmodSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache', 'flyshuttle-numa')
const BOOT_LIMIT_MS = 5 * 60_000
const UP_LIMIT_MS = 30_000
/** The first line of guest.mjs. */
const IS_UP = /^numa: up/m
/** Command → the Debian package that has it. */
const TOOLS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  'dpkg-deb': 'dpkg',
}
/** All that the host has, but for a register that KVM within a virtual machine cannot set. */
const CPU = 'max,arch-capabilities=off'
const DEPENDENCIES = ['bindings', 'file-uri-to-path', 'msgpackr']
const BUILT = ['package.json', 'dist', 'build/Release/flyshuttle.node']

const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
cd /app && /bin/node guest.mjs
/bin/busybox poweroff -f
`

/** Something that whoever called this can mend. */
class Failure extends Error {}

const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-numa-'))
try {
  checkTools()
  const [kernel, archive] = [findKernel(), packGuest()]
  let output = existsSync('/dev/kvm') ? await boot('kvm', kernel, archive, UP_LIMIT_MS) : ''
  // KVM within a virtual machine may be there and not work. The slow way always does.
  if (!IS_UP.test(output)) output = await boot('tcg', kernel, archive, BOOT_LIMIT_MS)
  if (!/^numa: passed \d+ checks\r?$/m.test(output)) fail('the guest did not pass; see above')
} catch (error) {
  console.error(`numa: ${error instanceof Failure ? error.message : error.stack}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function checkTools() {
  const missing = Object.entries(TOOLS).filter(([tool]) => pathOf(tool) === null)
  if (missing.length > 0) fail(`missing: ${missing.map(([, name]) => name).join(', ')}`)
  const unbuilt = BUILT.filter((file) => !existsSync(join(ROOT, file)))
  if (unbuilt.length > 0) fail(`not built: ${unbuilt.join(', ')}; run \`npm run build\``)
}

function findKernel() {
  if (process.env.FLYSHUTTLE_KERNEL) return process.env.FLYSHUTTLE_KERNEL
  mkdirSync(CACHE, { recursive: true })
  const cached = kernelsIn(join(CACHE, 'boot'))
  if (cached.length > 0) return cached[0]
  const depends = run('apt-cache', 'depends', 'linux-image-cloud-amd64')
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1]
  if (name === undefined) fail('apt knows no linux-image-cloud-amd64; set FLYSHUTTLE_KERNEL')
  run('apt-get', '-o', 'APT::Sandbox::User=root', 'download', name)
  const archive = readdirSync(CACHE).find((file) => file.endsWith('.deb'))
  run('dpkg-deb', '--extract', archive, '.')
  for (const file of [archive, 'lib', 'usr']) {
    rmSync(join(CACHE, file), { recursive: true, force: true })
  }
  return kernelsIn(join(CACHE, 'boot'))[0] ?? fail(`no kernel in ${name}`)
}

/** What a kernel package holds, once extracted. */
function kernelsIn(boot) {
  if (!existsSync(boot)) return []
  const kernels = readdirSync(boot).filter((file) => file.startsWith('vmlinuz'))
  return kernels.map((file) => join(boot, file))
}

/** The initial file system of the guest: a cpio archive. */
function packGuest() {
  const guest = join(folder, 'guest')
  const copy = (from, to) => cpSync(from, join(guest, to), { recursive: true, dereference: true })
  const addon = join(ROOT, 'build/Release/flyshuttle.node')
  copy(process.execPath, 'bin/node')
  copy(pathOf('busybox'), 'bin/busybox')
  for (const library of [...librariesOf(process.execPath), ...librariesOf(addon)]) {
    copy(library, library)
  }
  for (const file of BUILT) copy(join(ROOT, file), join('app/node_modules/flyshuttle', file))
  for (const name of DEPENDENCIES) {
    copy(join(ROOT, 'node_modules', name), join('app/node_modules', name))
  }
  for (const file of ['guest.mjs', 'echo.mjs']) copy(join(ROOT, 'test/numa', file), `app/${file}`)
  writeFileSync(join(guest, 'init'), INIT)
  chmodSync(join(guest, 'init'), 0o755)
  const archive = join(folder, 'guest.cpio')
  const out = openSync(archive, 'w')
  const files = readdirSync(guest, { recursive: true }).join('\n')
  execFileSync('cpio', ['--create', '--format=newc', '--quiet'], {
    cwd: guest,
    input: files,
    stdio: ['pipe', out, 'inherit'],
  })
  closeSync(out)
  return archive
}

/** Shared libraries and the loader, by their paths here. */
function librariesOf(file) {
  return [...run('ldd', file).matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path)
}

/**
 * Runs the guest until it switches itself off; what its console shows is printed and returned. One
 * that is not up in time, or that its processor gives up, is ended.
 */
async function boot(accelerator, kernel, archive, upLimitMs) {
  const node = (id, cpus) => [
    ...['-object', `memory-backend-ram,id=memory${id},size=1G`],
    ...['-numa', `node,nodeid=${id},cpus=${cpus},memdev=memory${id}`],
  ]
  console.log(`numa: booting two nodes under ${accelerator}`)
  const guest = spawn('qemu-system-x86_64', [
    ...['-accel', accelerator, '-cpu', CPU, '-smp', '4', '-m', '2G'],
    ...[...node(0, '0-1'), ...node(1, '2-3'), '-numa', 'dist,src=0,dst=1,val=20'],
    ...['-kernel', kernel, '-initrd', archive, '-append', 'console=ttyS0 quiet panic=-1'],
    ...['-display', 'none', '-serial', 'stdio', '-no-reboot', '-net', 'none'],
  ])
  let output = ''
  const end = (why) => {
    console.log(`numa: ${accelerator}: ${why}`)
    guest.kill('SIGKILL')
  }
  const timers = [
    setTimeout(() => IS_UP.test(output) || end('the guest is not up in time'), upLimitMs),
    setTimeout(() => end('the guest has not ended in time'), BOOT_LIMIT_MS),
  ]
  guest.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
    process.stdout.write(text)
  })
  guest.stderr.setEncoding('utf8').on('data', (text) => {
    if (/KVM internal error/.test(text)) end('internal error')
    else process.stderr.write(text)
  })
  await new Promise((resolve, reject) => guest.once('close', resolve).once('error', reject))
  timers.forEach(clearTimeout)
  return output
}

function pathOf(tool) {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/bin', '/bin', '/usr/sbin')
  return folders.map((each) => join(each, tool)).find((path) => existsSync(path)) ?? null
}

function run(command, ...args) {
  return execFileSync(command, args, { cwd: existsSync(CACHE) ? CACHE : ROOT, encoding: 'utf8' })
}

function fail(message) {
  throw new Failure(message)
}
