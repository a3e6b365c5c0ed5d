#!/usr/bin/env node
// The command `flyshuttle`: says how an engine finds this machine.
//
// A guest like any other: it imports the package by its name. Exits with 1 when something that every
// engine needs is broken, and with 2 when it was called wrongly.

import { parseArgs } from 'node:util'
import { diagnose } from 'flyshuttle'
import { formatDiagnosis } from './format.mjs'

const HELP = `Usage: flyshuttle doctor [--json]

  doctor    looks at this machine as an engine does: CPUs, memory nodes, limits of
            the container, the addon; tries what an engine would use, and says what
            to change

  --json    the same as data
  --help    this text

Exits with 1 when something that every engine needs is broken.
Colours: only on a terminal, and not with NO_COLOR=1.
`

// Whoever reads may stop before the end, as `head` does.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error
})

const { command, surplus, options } = readArguments()
if (options.help) process.stdout.write(HELP)
else if (command !== 'doctor') refuse(`the command is ${command ?? 'missing'}; wanted doctor`)
else if (surplus !== undefined) refuse(`doctor takes no ${surplus}`)
else await doctor()

async function doctor() {
  const diagnosis = await diagnose()
  const hasColors = process.stdout.hasColors?.() ?? false
  const text = options.json
    ? JSON.stringify(diagnosis, null, 2)
    : formatDiagnosis(diagnosis, hasColors)
  process.stdout.write(`${text}\n`)
  if (diagnosis.findings.some(({ status }) => status === 'broken')) process.exitCode = 1
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    const [command, surplus] = positionals
    return { command, surplus, options: values }
  } catch (error) {
    refuse(error.message)
    process.exit()
  }
}

function refuse(what) {
  process.stderr.write(`flyshuttle: ${what}\n\n${HELP}`)
  process.exitCode = 2
}
