// Kills a thread at every step of flush, drain, park and adopt, and looks whether what
// docs/guarantees.md promises still holds for the others and for its successor.
//
//   node test/fail-points/run.mjs --variant addon|portable [--quick|--full] [--only TEXT]
//       [--json FILE]
//
// A victim dies at each point that the workload passes, at its first passage; `--quick`: at a
// quarter of them; `--full`: at the first, the second and a later passage, by `process.exit` and by
// `terminate()`, freshly started and grown old. All of it happens in an instrumented copy of the
// package (`instrument.mjs`), where `kill-at-each.mjs` runs.

import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { instrument } from './instrument.mjs'

const { folder, points } = instrument()
try {
  writeFileSync(join(folder, 'points.json'), JSON.stringify(points))
  const file = join(folder, 'test/fail-points/kill-at-each.mjs')
  const { status, signal } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  if (signal !== null) console.log(`ended by ${signal}`)
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true, maxRetries: 3 })
}
