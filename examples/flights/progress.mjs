// One line that is written over itself while the run goes on; only on a terminal.
import { bar, count, percent, rate, seconds } from './text.mjs'

const BAR_COLUMNS = 24
/** Some terminals do not say how wide they are. */
const COLUMNS_DEFAULT = 80
const ERASE_LINE = '\r\x1b[K'

/**
 * A progress line for `rows` flights on `stream`, or null where a line cannot be written over.
 *
 * @param {NodeJS.WriteStream} stream
 * @param {number} rows
 */
export function openProgress(stream, rows) {
  if (!stream.isTTY || process.env.TERM === 'dumb') return null
  const startedMs = performance.now()
  const show = (/** @type {string} */ line) =>
    stream.write(ERASE_LINE + line.slice(0, Math.max(0, (stream.columns || COLUMNS_DEFAULT) - 1)))
  return {
    /** @param {number} handled */
    update(handled) {
      if (handled === 0) return show('reading the first flights')
      const elapsedMs = performance.now() - startedMs
      const share = handled / rows
      show(
        `${bar(share, BAR_COLUMNS).padEnd(BAR_COLUMNS, '·')} ${percent(share, 0).padStart(5)}` +
          `  ${count(handled)} of ${count(rows)} flights` +
          `  ${rate((handled / elapsedMs) * 1000)}  ${seconds(elapsedMs, 1)}`,
      )
    },
    show,
    close: () => stream.write(ERASE_LINE),
  }
}
