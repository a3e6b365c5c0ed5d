// Just enough SVG for the plots of the benchmarks: elements, labels, a page, scales.
//
// Who draws (`svg-bars.mjs`, `svg-lines.mjs`) is pure: the same figures give the same bytes, so a
// plot that is committed can be compared with its figures. Everything becomes text through
// `element` and `label`, which escape; nothing else may build markup.
//
// Colours are classes. Readers with a dark screen get dark colours through `prefers-color-scheme`,
// which holds inside <img> too. The page brings its own background, so it is legible on any.

/**
 * Colours by name: [light, dark]. `ghost` is drawn as an outline: a ceiling and no contender.
 *
 * @typedef {'teal' | 'mint' | 'slate' | 'amber' | 'violet' | 'rose' | 'ghost'} Tone
 */
export const TONES = {
  teal: ['#0b7a75', '#2cc7b8'],
  mint: ['#6cbcb1', '#1d7f78'],
  slate: ['#a3acb7', '#5d6773'],
  amber: ['#b9770e', '#e0a63a'],
  violet: ['#7a52b3', '#b08ee6'],
  rose: ['#c04a67', '#ee7f97'],
  ghost: ['#8b949e', '#8b949e'],
}

const PAPER = ['#ffffff', '#0d1117']
const EDGE = ['#d8dee4', '#30363d']
const INK = ['#1f2328', '#e6edf3']
const MUTED = ['#59636e', '#9aa4af']
const GRID = ['#e4e8ec', '#262c34']
const GRID_MINOR = ['#f3f5f7', '#181d24']

const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"

/** How wide a letter is, as a part of the font's size: what one can know without measuring. */
const LETTER_WIDTH = 0.6

/** A decade narrower than this has no room for lines between its ends, in pixels. */
const DECADE_MIN = 60

/** @param {number} shade 0 light, 1 dark */
function colours(shade) {
  const tones = Object.entries(TONES).map(([tone, pair]) => {
    const line = `.line.${tone}{stroke:${pair[shade]}}.dot.${tone}{fill:${pair[shade]}}`
    const area = tone === 'ghost' ? `{fill:none;stroke:${pair[shade]}}` : `{fill:${pair[shade]}}`
    return `.area.${tone}${area}${line}`
  })
  return [
    `.paper{fill:${PAPER[shade]};stroke:${EDGE[shade]}}`,
    `text{fill:${INK[shade]}}.muted{fill:${MUTED[shade]}}`,
    `.mark{stroke:${INK[shade]}}.dot{stroke:${PAPER[shade]}}`,
    `.grid{stroke:${GRID[shade]}}.minor{stroke:${GRID_MINOR[shade]}}`,
    ...tones,
  ].join('')
}

const STYLE = [
  `text{font:12px ${FONT};font-variant-numeric:tabular-nums}`,
  '.title{font-size:15px;font-weight:600}.panel,.strong{font-weight:600}.plain{font-weight:400}',
  '.small{font-size:11px}.line,.mark,.grid,.minor{fill:none}.mark{stroke-width:1.5}',
  '.median{stroke-width:2.5}.band{opacity:.16}.area.ghost{stroke-dasharray:4 3}',
  '.line{stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.leader{stroke-width:1}',
  colours(0),
  `@media(prefers-color-scheme:dark){${colours(1)}}`,
].join('')

/** Text for XML: the five characters that mean something, and none that XML forbids. */
export function escapeText(text) {
  return String(text)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character])
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/**
 * One element. Numbers are written to a hundredth of a pixel; undefined attributes are left out.
 *
 * @param {string} name
 * @param {Record<string, string | number | undefined>} attributes
 * @param {string} [content] markup that came from here
 */
export function element(name, attributes, content) {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(numberText(value))}"`)
    .join('')
  return content === undefined ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`
}

/**
 * A line of text; y is its baseline.
 *
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {{ classes?: string, anchor?: 'middle' | 'end', note?: string }} [options] `note`: in
 *   quieter letters after the text
 */
export function label(text, x, y, { classes, anchor, note } = {}) {
  const quiet = { class: 'muted plain', dx: 7 }
  const rest = note === undefined ? '' : element('tspan', quiet, escapeText(note))
  const attributes = { x, y, class: classes, 'text-anchor': anchor }
  return element('text', attributes, escapeText(text) + rest)
}

/** A straight line. */
export function segment(x1, y1, x2, y2, classes) {
  return element('path', { class: classes, d: `M${xy(x1, y1)}L${xy(x2, y2)}` })
}

/** `12.34,56.78`, for the attribute `d` of a path. */
export function xy(x, y) {
  return `${numberText(x)},${numberText(y)}`
}

/**
 * The file. `title` and `desc` are for those who hear the page instead of seeing it.
 *
 * @param {{ width: number, height: number, title: string, desc: string, body: readonly string[] }}
 *   page
 */
export function svgPage({ width, height, title, desc, body }) {
  const paper = { width: width - 1, height: height - 1, rx: 8, class: 'paper' }
  const content = [
    '',
    element('title', { id: 'title' }, escapeText(title)),
    element('desc', { id: 'desc' }, escapeText(desc)),
    element('style', {}, STYLE),
    element('rect', { x: 0.5, y: 0.5, ...paper }),
    ...body,
    '',
  ].join('\n')
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${numberText(width)} ${numberText(height)}`,
    width,
    height,
    role: 'img',
    'aria-labelledby': 'title desc',
  }
  return `${element('svg', attributes, content)}\n`
}

/**
 * Lines of a caption that fit into a width.
 *
 * @param {string} text
 * @param {number} width
 * @param {number} fontPx
 */
export function wrapText(text, width, fontPx = 11) {
  const lettersMax = Math.floor(width / (fontPx * LETTER_WIDTH))
  const lines = ['']
  for (const word of text.split(/\s+/).filter((word) => word !== '')) {
    const line = lines.at(-1)
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > lettersMax && line !== '') lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

/** About how wide a text is. */
export function textWidth(text, fontPx = 12) {
  return [...text].length * fontPx * LETTER_WIDTH
}

/**
 * A logarithmic scale over values above 0, with a tick per decade, or at 1, 2, 5 where decades are
 * too few.
 *
 * @param {readonly number[]} values that must fit
 * @param {readonly [number, number]} range in pixels
 * @param {{ pad?: number, fromTick?: boolean }} [options] `pad`: the factor of room around the
 *   values; `fromTick`: the low end is a tick, so that what starts there starts at a round number
 */
export function logScale(values, [from, to], { pad = 1.2, fromTick = false } = {}) {
  const least = Math.min(...values) / pad
  const high = Math.max(...values) * pad
  const decades = Math.floor(roundedLog(high)) - Math.ceil(roundedLog(least)) + 1
  const mantissas = decades >= 3 ? [1] : [1, 2, 5]
  const low = fromTick ? stepsBetween(least / 10, least, mantissas).at(-1) : least
  const span = Math.log10(high / low)
  const isRoomy = Math.abs(to - from) / span > DECADE_MIN
  return {
    ticks: stepsBetween(low, high, mantissas),
    minor: isRoomy ? stepsBetween(low, high, [1, 2, 3, 4, 5, 6, 7, 8, 9]) : [],
    /** @param {number} value */
    at: (value) => from + (Math.log10(value / low) / span) * (to - from),
  }
}

/** Each mantissa times each power of ten, from `low` to `high`. */
function stepsBetween(low, high, mantissas) {
  const steps = []
  for (let power = Math.floor(roundedLog(low)); 10 ** power <= high; power++) {
    for (const mantissa of mantissas) {
      const value = Number(`${mantissa}e${power}`)
      if (value >= low && value <= high) steps.push(value)
    }
  }
  return steps
}

/** 10 ** 3 has the logarithm 3, and not 2.9999999999999996. */
function roundedLog(value) {
  return Math.round(Math.log10(value) * 1e9) / 1e9
}

/**
 * A linear scale. Its ticks are the caller's: what a value means there is not ours to guess.
 *
 * @param {readonly [number, number]} domain
 * @param {readonly [number, number]} range in pixels
 */
export function linearScale([low, high], [from, to]) {
  return {
    ticks: [low, high],
    minor: [],
    /** @param {number} value */
    at: (value) => from + ((value - low) / (high - low)) * (to - from),
  }
}

/**
 * Where percentiles stand when each further nine is as wide as the one before: 0 → 0, 0.9 → 1,
 * 0.99 → 2, 0.999 → 3.
 *
 * @param {number} fraction below 1
 */
export function ninesOf(fraction) {
  return Math.round(Math.log10(1 / (1 - fraction)) * 1e9) / 1e9
}

function numberText(value) {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : value
}
