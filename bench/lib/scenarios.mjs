// Finds scenarios by name, or by the path of a file that exports one.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * @typedef {import('./measure.mjs').Options} Options
 * @typedef {import('./measure.mjs').Pass | { notRun: string }} Result
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} title for tables and plots
 * @property {string} question what is measured, in a few words
 * @property {'messages/s' | 'deliveries/s' | 'requests/s'} unit always a rate: more is better
 * @property {string[]} baselines contenders to which the others are compared; the first one is that
 *   of the README
 * @property {number} threads that work at the same time; the main thread sleeps
 * @property {Record<string, (options: Options) => Promise<Result>>} contenders
 *   each runs in a fresh process; it says `notRun` with the reason when this machine cannot run it
 */

/** In the order in which they run. */
export const SCENARIO_NAMES = [
  'one-to-one-struct',
  'one-to-one-object',
  'one-to-one-bytes-64',
  'one-to-one-bytes-1k',
  'one-to-one-bytes-64k',
  'fan-in',
  'fan-out',
  'filter-90',
  'loan-1m',
  'request-reply-serial',
  'request-reply-pipelined',
  'reply-stream',
  'queue-jobs',
]

/** What `--quick` runs when no scenario is named: all of them do not fit into a minute. */
export const QUICK_SCENARIO_NAMES = [
  'one-to-one-struct',
  'one-to-one-object',
  'one-to-one-bytes-1k',
  'request-reply-serial',
  'request-reply-pipelined',
]

/**
 * @param {string} nameOrPath one of SCENARIO_NAMES, or a path that ends in `.mjs`
 * @returns {Promise<{ file: string, scenario: Scenario }>}
 */
export async function loadScenario(nameOrPath) {
  const file = SCENARIO_NAMES.includes(nameOrPath)
    ? fileURLToPath(new URL(`../scenarios/${nameOrPath}.mjs`, import.meta.url))
    : resolve(nameOrPath)
  if (!file.endsWith('.mjs') || !existsSync(file)) {
    const known = SCENARIO_NAMES.join(', ')
    throw new UsageError(`no scenario is called ${nameOrPath}; there are ${known}, or a .mjs file`)
  }
  const { default: scenario } = await import(pathToFileURL(file).href)
  return { file, scenario }
}

/** Something that the person at the keyboard can set right. */
export class UsageError extends Error {
  name = 'UsageError'
}
