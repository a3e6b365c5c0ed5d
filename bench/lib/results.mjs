// The figures that are published: `bench/results/throughput.json`, and what is made of them.
//
//     throughput.mjs --save ──▶ throughput.json ──┬──▶ *.svg        results-plots.mjs
//                                                 └──▶ README.md    results-table.mjs
//
// A run may bring some of the scenarios: each scenario is replaced as a whole, because its samples
// are paired, and each row keeps its own commit and date. Rows of different machines, or of
// different versions of Node, never stand in one file.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plotsOf } from './results-plots.mjs'
import { replaceSection, sectionOf } from './results-table.mjs'
import { loadScenario, SCENARIO_NAMES, UsageError } from './scenarios.mjs'

export const RESULTS_FOLDER = fileURLToPath(new URL('../results', import.meta.url))
export const README_FILE = fileURLToPath(new URL('../../README.md', import.meta.url))

const FILE = 'throughput.json'

/**
 * @typedef {object} ResultRow what `jsonRow` says, with its commit and date
 * @typedef {{ node: string, machine: string, cores: number, rows: ResultRow[] }} Results
 */

/**
 * @param {Results | null} before
 * @param {Results} now
 * @returns {Results} in the order in which scenarios run
 */
export function mergeResults(before, now) {
  const { node, machine, cores } = now
  const isSamePlace = before?.node === node && before.machine === machine && before.cores === cores
  const kept = (isSamePlace ? before.rows : []).filter(
    (old) => !now.rows.some(({ scenario }) => scenario === old.scenario),
  )
  const rows = SCENARIO_NAMES.flatMap((name) =>
    [...kept, ...now.rows].filter(({ scenario }) => scenario === name),
  )
  return { node, machine, cores, rows }
}

/** @returns {Results | null} null when nothing was saved yet */
export function readResults(folder = RESULTS_FOLDER) {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

/**
 * The scenarios that were saved: their rows are explained by what they say of themselves.
 *
 * @param {Results} results
 */
export async function scenariosOf({ rows }) {
  const names = SCENARIO_NAMES.filter((name) => rows.some(({ scenario }) => scenario === name))
  const loaded = await Promise.all(names.map((name) => loadScenario(name)))
  return loaded.map(({ scenario }) => scenario)
}

/** Adds the rows of a run to those that were saved, and draws the plots. */
export async function saveResults(now, folder = RESULTS_FOLDER) {
  const results = mergeResults(readResults(folder), now)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, FILE), `${JSON.stringify(results, null, 2)}\n`)
  await writePlots(results, folder)
}

/** Draws the plots of what was saved, and writes its table into the README. */
export async function publishResults(folder = RESULTS_FOLDER, readmeFile = README_FILE) {
  const results = readResults(folder)
  if (results === null) throw new UsageError(`there is no ${FILE} yet: run with --save first`)
  await writePlots(results, folder)
  const section = sectionOf(results, await scenariosOf(results))
  writeFileSync(readmeFile, replaceSection(readFileSync(readmeFile, 'utf8'), section))
}

async function writePlots(results, folder) {
  const plots = plotsOf(results, await scenariosOf(results))
  for (const [file, svg] of plots) writeFileSync(join(folder, file), svg)
}
