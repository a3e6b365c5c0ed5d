// Lines over a scale of the caller's choice, each named at its end.
//
//     title
//     what goes up
//     100 ┤          ╭─── postMessage
//      10 ┤ ────────╯
//       1 ┤ ──────────── flyshuttle
//         └─┬────┬────┬
//          50   90   99   what goes right
//     caption
//
// y is logarithmic, since latencies are. x is logarithmic (rates), or positions with ticks that the
// caller names (percentiles, by `ninesOf`).

import {
  element,
  label,
  linearScale,
  logScale,
  segment,
  svgPage,
  textWidth,
  wrapText,
  xy,
} from './svg.mjs'

const MARGIN = 20
const HEAD = 72
const AXIS = 62
const CAPTION_LINE = 16
const LABEL_GAP = 15
const QUIET = { classes: 'muted small' }
const CENTRED = { ...QUIET, anchor: 'middle' }
const DASHES = { slate: '7 4', ghost: '2 4' }

/**
 * @typedef {readonly [x: number, y: number]} Point
 * @typedef {object} Series
 * @property {string} name
 * @property {import('./svg.mjs').Tone} tone
 * @property {readonly Point[]} points joined by a line, from left to right
 * @property {readonly Point[]} [apart] drawn alone: they do not belong on the line
 * @property {readonly (readonly [x: number, low: number, high: number])[]} [band] the spread
 * @property {string} [note] after the name, in quieter letters
 *
 * @typedef {object} LineChart
 * @property {string} title
 * @property {string} desc what it says, for those who do not see it
 * @property {{ label: string, ticks?: readonly { at: number, label: string }[],
 *   format?: (value: number) => string }} x with `ticks`: linear, from the first to the last;
 *   with `format`: logarithmic
 * @property {{ label: string, format: (value: number) => string }} y logarithmic
 * @property {readonly Series[]} series
 * @property {string} caption
 * @property {number} [width] in pixels
 * @property {number} [plotHeight] in pixels
 */

/** @param {LineChart} chart */
export function lineChart({ title, desc, x, y, series, caption, width = 760, plotHeight = 280 }) {
  const points = series.flatMap(({ points, apart = [], band = [] }) => [
    ...points,
    ...apart,
    ...band.flatMap(([at, low, high]) => [
      [at, low],
      [at, high],
    ]),
  ])
  const ys = points.map(([, value]) => value)
  const yScale = logScale(ys.length > 0 ? ys : [1], [HEAD + plotHeight, HEAD], { pad: 1.25 })
  const endWidth = 26 + Math.max(0, ...series.map((one) => textWidth(one.name + (one.note ?? ''))))
  const left = MARGIN + 10 + Math.max(...yScale.ticks.map((v) => textWidth(y.format(v), 11)))
  const right = width - MARGIN - endWidth
  const xScale = scaleOfX(x, points, [left, right])
  const xTicks = x.ticks ?? xScale.ticks.map((at) => ({ at, label: x.format(at) }))
  const bottom = HEAD + plotHeight

  const grid = [
    ...yScale.minor.map((v) => segment(left, yScale.at(v), right, yScale.at(v), 'minor')),
    ...xScale.minor.map((v) => segment(xScale.at(v), HEAD, xScale.at(v), bottom, 'minor')),
    ...yScale.ticks.map((v) => segment(left, yScale.at(v), right, yScale.at(v), 'grid')),
    ...xTicks.map(({ at }) => segment(xScale.at(at), HEAD, xScale.at(at), bottom, 'grid')),
  ]
  const ticks = [
    ...yScale.ticks.map((v) =>
      label(y.format(v), left - 8, yScale.at(v) + 4, { ...QUIET, anchor: 'end' }),
    ),
    ...xTicks.map((tick) => label(tick.label, xScale.at(tick.at), bottom + 17, CENTRED)),
  ]
  const place = ([at, value]) => [xScale.at(at), yScale.at(value)]
  const drawn = series.map((one) => drawSeries(one, place))
  const captionLines = wrapText(caption, width - 2 * MARGIN)
  const captionTop = bottom + AXIS
  const body = [
    label(title, MARGIN, MARGIN + 12, { classes: 'title' }),
    label(y.label, MARGIN, HEAD - 12, QUIET),
    ...grid,
    ...ticks,
    label(x.label, (left + right) / 2, bottom + 36, CENTRED),
    ...drawn,
    ...endLabels(series, place, right, HEAD, bottom),
    ...captionLines.map((line, index) =>
      label(line, MARGIN, captionTop + index * CAPTION_LINE, QUIET),
    ),
  ]
  const height = captionTop + (captionLines.length - 1) * CAPTION_LINE + MARGIN
  return svgPage({ width, height, title, desc, body })
}

function scaleOfX({ ticks }, points, range) {
  if (ticks !== undefined) return linearScale([ticks[0].at, ticks.at(-1).at], range)
  const xs = points.map(([at]) => at)
  return logScale(xs.length > 0 ? xs : [1], range)
}

function drawSeries({ tone, points, apart = [], band = [] }, place) {
  const edge = (side) => band.map((point) => xy(...place([point[0], point[side]])))
  const area = [...edge(1), ...edge(2).reverse()]
  const line = points.map((point) => xy(...place(point)))
  const dot = (point) => {
    const [cx, cy] = place(point)
    return element('circle', { cx, cy, r: 3.5, class: `dot ${tone}` })
  }
  const attributes = { class: `line ${tone}`, 'stroke-dasharray': DASHES[tone] }
  return [
    ...(area.length > 0
      ? [element('path', { class: `area band ${tone}`, d: `M${area.join('L')}Z` })]
      : []),
    ...(line.length > 1 ? [element('path', { ...attributes, d: `M${line.join('L')}` })] : []),
    ...[...points, ...apart].map(dot),
  ].join('\n')
}

/** Names right of the plot, each led to by its line, and apart where lines end close together. */
function endLabels(series, place, right, top, bottom) {
  const ends = series
    .filter(({ points, apart = [] }) => points.length + apart.length > 0)
    .map(({ points, apart = [], ...one }) => ({ ...one, at: place([...points, ...apart].at(-1)) }))
    .sort((a, b) => a.at[1] - b.at[1])
  const wanted = ends.map(({ at }) => at[1])
  const placed = spread(wanted, LABEL_GAP, top, bottom)
  return ends.flatMap(({ name, tone, note, at: [x, y] }, index) => {
    const leader = `M${xy(x + 5, y)}L${xy(right, y)}L${xy(right + 16, placed[index])}`
    const classes = tone === 'teal' ? 'strong' : undefined
    return [
      element('path', { class: `line leader ${tone}`, 'stroke-dasharray': '2 3', d: leader }),
      label(name, right + 20, placed[index] + 4, { classes, note }),
    ]
  })
}

/**
 * Positions moved apart until each is `gap` below the one before, from `low` to `high`.
 *
 * @param {readonly number[]} wanted ascending
 * @param {number} gap
 * @param {number} low
 * @param {number} high
 */
export function spread(wanted, gap, low, high) {
  const placed = wanted.map((at) => Math.max(low, at))
  for (let n = 1; n < placed.length; n++) placed[n] = Math.max(placed[n], placed[n - 1] + gap)
  const last = placed.length - 1
  if (last >= 0) placed[last] = Math.min(placed[last], high)
  for (let n = last; n > 0; n--) placed[n - 1] = Math.min(placed[n - 1], placed[n] - gap)
  return placed
}
