// The command line: what can be asked, and a clear word when it cannot.
import { parseArgs } from 'node:util'

export const HELP = `\
Replays three million real flights through a fleet of agents and checks every sum.

  npm start                       all 3,000,000 flights of the file
  npm start -- --rows 200000      the first 200,000, for the hurried
  npm start -- --json             the results as JSON, for programs

Options
  --rows N    how many flights to replay, from the start of the file (default: all)
  --json      print one JSON object and nothing else
  --help      print this

Exit code
  0  every aggregate equals that of a plain single-threaded loop over the same file
  1  one differs, or the run failed
  2  the command line was not understood

Set NO_COLOR to any value for output without colours; in a pipe there are none.
`

/** The command line was not understood. */
export class UsageError extends Error {}

/**
 * @param {string[]} args
 * @returns {{ rows: number | null, json: boolean, help: boolean }} `rows` null: all of them
 * @throws {UsageError} naming what was found and what was wanted
 */
export function readOptions(args) {
  const { rows, json = false, help = false } = parse(args)
  return { rows: rows === undefined ? null : countIn(rows), json, help }
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: { rows: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
    }).values
  } catch (error) {
    // Node adds advice after the first sentence, on arguments that look like options.
    const [sentence] = /** @type {Error} */ (error).message.split(/\. |\.?\n/)
    throw new UsageError(sentence)
  }
}

/** @param {string} text */
function countIn(text) {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count
  throw new UsageError(`--rows is ${JSON.stringify(text)}; wanted a whole number from 1 on`)
}
