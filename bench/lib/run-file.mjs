// What a run says of itself, and where it is kept: `--json FILE`, and `--save` for
// `bench/results/NAME.json` with its plots.

import { mkdirSync, writeFileSync } from 'node:fs'
import { commitText, machineText } from './machine.mjs'

const RESULTS = new URL('../results/', import.meta.url)

export function headOf() {
  return {
    node: process.version,
    commit: commitText(),
    date: new Date().toISOString(),
    machine: machineText(),
  }
}

/** @param {ReturnType<typeof headOf>} head */
export function headText({ commit, node, machine }) {
  return `flyshuttle ${commit} · node ${node} · ${machine}`
}

/**
 * @param {string} name of the file in `bench/results`
 * @param {object} run what is written
 * @param {{ json?: string, save?: boolean }} given
 * @param {(run: any) => Map<string, string>} [plotsOf] file name → SVG, beside it
 */
export function writeRun(name, run, { json, save }, plotsOf) {
  const text = `${JSON.stringify(run, null, 2)}\n`
  if (json !== undefined) writeFileSync(json, text)
  if (!save) return
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(new URL(`${name}.json`, RESULTS), text)
  for (const [file, svg] of plotsOf?.(run) ?? []) writeFileSync(new URL(file, RESULTS), svg)
}
