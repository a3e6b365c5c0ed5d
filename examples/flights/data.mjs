// Reads the two files of the package `vega-datasets`: three million flights (Parquet, with the
// delays that U.S. airlines reported for the first half of 2001) and the airports (CSV).
//
// The feed agent and the single-threaded check both read here. Flights come as typed columns, one
// row group (about 270,000 rows) at a time, so memory does not grow with the number of rows.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { asyncBufferFromFile, parquetScan } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const DATA = new URL('../data/', import.meta.resolve('vega-datasets'))
const COLUMNS = ['date', 'delay', 'distance', 'origin', 'destination']

/**
 * @typedef {object} FlightColumns
 * @property {number} count rows in this batch
 * @property {Float64Array} dateMs scheduled departure, ms since 1970; rows are sorted by it
 * @property {Int16Array} delayMin from -1116 to 1688 in this file, negative when early
 * @property {Uint16Array} distanceMi
 * @property {string[]} origin three letters
 * @property {string[]} destination three letters
 */

/** How many flights the file holds. */
export async function countFlights() {
  const { metadata } = await openScan()
  return Number(metadata.num_rows)
}

/**
 * The first `rows` flights, in the order of the file.
 *
 * @param {number} rows
 * @returns {AsyncGenerator<FlightColumns>}
 */
export async function* readFlights(rows) {
  const scan = await openScan()
  for (const { rowStart, rowEnd: groupEnd } of scan.ranges) {
    const rowEnd = Math.min(groupEnd, rows)
    if (rowStart >= rowEnd) return
    const [date, delay, distance, origin, destination] = /** @type {any[][]} */ (
      await Promise.all(
        COLUMNS.map((column) => scan.readColumn({ column, rowStart, rowEnd })),
      )
    )
    yield {
      count: rowEnd - rowStart,
      dateMs: Float64Array.from(date),
      delayMin: Int16Array.from(delay, Number),
      distanceMi: Uint16Array.from(distance, Number),
      origin,
      destination,
    }
  }
}

async function openScan() {
  const file = await asyncBufferFromFile(fileURLToPath(new URL('flights-3m.parquet', DATA)))
  // The file counts microseconds; a Date for each row would only be thrown away.
  const parsers = { timestampFromMicroseconds: (/** @type {bigint} */ us) => Number(us) / 1000 }
  return parquetScan({ file, compressors, parsers, columns: COLUMNS })
}

/** @typedef {{ name: string, city: string, state: string }} Airport */

/**
 * All airports by their three-letter code.
 *
 * @returns {Promise<Map<string, Airport>>}
 */
export async function readAirports() {
  const [, ...lines] = (await readFile(new URL('airports.csv', DATA), 'utf8')).split(/\r?\n/)
  return new Map(
    lines.filter(Boolean).map((line) => {
      const [code = '', name = '', city = '', state = ''] = splitCsv(line)
      return [code, { name, city, state }]
    }),
  )
}

/**
 * The fields of one line of CSV. A field in quotes may hold commas, and `""` for a quote.
 *
 * @param {string} line
 */
export function splitCsv(line) {
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  )
}
