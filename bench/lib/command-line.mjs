// What the commands of all benchmarks share: how they end, and checks of what they are given.

import { parseArgs } from 'node:util'
import { UsageError } from './scenarios.mjs'

const KINDS = {
  flag: { type: 'boolean' },
  text: { type: 'string' },
  list: { type: 'string', multiple: true },
}

/**
 * Runs a command. One that could not be understood is one line, and exit code 2.
 *
 * @param {() => Promise<number>} main returns the exit code
 */
export async function run(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\nTry --help.`)
    process.exitCode = 2
  }
}

/**
 * The options that the command was given.
 *
 * @param {Record<string, keyof typeof KINDS>} kinds a list is an option that can be repeated
 * @returns {Record<string, any>}
 * @throws UsageError naming what is not known
 */
export function optionsOf(kinds) {
  const options = Object.entries(kinds).map(([name, kind]) => [name, KINDS[kind]])
  try {
    return parseArgs({ options: Object.fromEntries(options) }).values
  } catch (error) {
    throw new UsageError(error.message)
  }
}

/**
 * @param {string} kind
 * @param {readonly string[] | undefined} given
 * @param {readonly string[]} known
 * @throws UsageError naming what is not known
 */
export function checkNames(kind, given, known) {
  const unknown = given?.find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new UsageError(`no ${kind} is called ${unknown}; there are ${known.join(', ')}`)
}

/**
 * The number that an option gives; undefined when it was not given.
 *
 * @param {string} option
 * @param {string | undefined} text
 * @param {number} max
 * @throws UsageError when it is none from 1 to `max`
 */
export function numberIn(option, text, max) {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,7}$/.test(text) && Number(text) <= max) return Number(text)
  throw new UsageError(`${option} is ${text}; wanted a number from 1 to ${max}`)
}

/**
 * What is saved is whole and took its time: a part of a run would replace all of the last one.
 *
 * @param {Record<string, unknown>} given the options of a command
 * @param {readonly string[]} narrowing those that make a run smaller or coarser
 * @throws UsageError naming the one that was given with `--save`
 */
export function checkSave(given, narrowing) {
  const found = given.save ? narrowing.find((option) => given[option] !== undefined) : undefined
  if (found !== undefined) throw new UsageError(`--save wants a whole run; leave out --${found}`)
}
