// Horizontal bars on a logarithmic scale, in panels below or beside each other.
//
//     title
//     panel one                       panel two
//        name ▇▇▇▇▇▇├─┼──┤ figure        name ▇▇▇┼┤ figure
//        name ▇▇┼┤ figure                name  refused: …
//             10   100   1k                   10   100   1k
//     caption
//
// A bar ends at the median; the whisker spans the slowest and the fastest round. A logarithmic
// scale has no zero: equal steps are equal ratios, wherever it starts. All panels share one scale.

import { element, label, logScale, segment, svgPage, textWidth, wrapText } from './svg.mjs'

const MARGIN = 20
const ROW = 24
const BAR = 13
const TITLE = 26
const PANEL_HEAD = 24
const AXIS = 24
const GAP = 22
const CAPTION_LINE = 16
const TICK = { classes: 'muted small', anchor: 'middle' }

/**
 * @typedef {object} Bar
 * @property {string} name
 * @property {import('./svg.mjs').Tone} tone
 * @property {{ median: number, min: number, max: number } | null} value null: only `text`
 * @property {string} text beside the bar: the figure, or why there is none
 * @property {string} [note] after the figure, in quieter letters
 *
 * @typedef {object} BarChart
 * @property {string} title
 * @property {string} desc what it says, for those who do not see it
 * @property {{ title: string, bars: readonly Bar[] }[]} panels
 * @property {(value: number) => string} format of the ticks
 * @property {string} caption
 * @property {number} [columns] panels beside each other; 1 unless given
 * @property {number} [width] in pixels
 */

/** @param {BarChart} chart */
export function barChart({ title, desc, panels, format, caption, columns = 1, width = 760 }) {
  const panelWidth = (width - 2 * MARGIN - (columns - 1) * GAP) / columns
  const bars = panels.flatMap((panel) => panel.bars)
  const left = 12 + Math.max(0, ...bars.map(({ name }) => textWidth(name)))
  const figures = bars.filter(({ value }) => value !== null)
  const figureWidth =
    10 + Math.max(0, ...figures.map(({ text, note = '' }) => textWidth(text) + textWidth(note)))
  const values = figures.flatMap(({ value }) => [value.min, value.max])
  const range = [left, panelWidth - figureWidth]
  const scale = logScale(values.length > 0 ? values : [1], range, { pad: 1.1, fromTick: true })

  const captionLines = wrapText(caption, width - 2 * MARGIN)
  const body = [label(title, MARGIN, MARGIN + 12, { classes: 'title' })]
  let top = MARGIN + TITLE
  for (let first = 0; first < panels.length; first += columns) {
    const line = panels.slice(first, first + columns)
    const rows = Math.max(...line.map((panel) => panel.bars.length))
    for (const [column, panel] of line.entries()) {
      const x = MARGIN + column * (panelWidth + GAP)
      body.push(drawPanel(panel, { x, y: top, left, scale, format }))
    }
    top += PANEL_HEAD + rows * ROW + AXIS + GAP / 2
  }
  top += CAPTION_LINE
  for (const line of captionLines) {
    body.push(label(line, MARGIN, top, { classes: 'muted small' }))
    top += CAPTION_LINE
  }
  return svgPage({ width, height: Math.ceil(top + MARGIN - CAPTION_LINE), title, desc, body })
}

function drawPanel({ title, bars }, { x, y, left, scale, format }) {
  const bottom = PANEL_HEAD + bars.length * ROW
  const grid = [
    ...scale.minor.map((value) => gridLine(scale.at(value), bottom, 'minor')),
    ...scale.ticks.map((value) => gridLine(scale.at(value), bottom, 'grid')),
  ]
  const ticks = scale.ticks.map((value) => label(format(value), scale.at(value), bottom + 15, TICK))
  const rows = bars.map((bar, row) => drawBar(bar, PANEL_HEAD + row * ROW, left, scale))
  const head = title === '' ? [] : [label(title, 0, 12, { classes: 'panel' })]
  const content = ['', ...head, ...grid, ...ticks, ...rows, ''].join('\n')
  return element('g', { transform: `translate(${x},${y})` }, content)
}

function gridLine(x, bottom, classes) {
  return segment(x, PANEL_HEAD - 4, x, bottom + 2, classes)
}

function drawBar({ name, tone, value, text, note }, y, left, scale) {
  const middle = y + ROW / 2
  const baseline = middle + 4
  const classes = tone === 'teal' ? 'strong' : undefined
  const named = label(name, left - 8, baseline, { classes, anchor: 'end' })
  if (value === null) {
    return [named, label(text, left + 6, baseline, { classes: 'muted small' })].join('\n')
  }

  const [low, at, high] = [value.min, value.median, value.max].map((v) => scale.at(v))
  const box = { x: left, y: middle - BAR / 2, width: Math.max(1, at - left), height: BAR, rx: 2 }
  const whisker = [
    segment(low, middle, high, middle, 'mark'),
    segment(low, middle - 3, low, middle + 3, 'mark'),
    segment(high, middle - 3, high, middle + 3, 'mark'),
  ]
  return [
    named,
    element('rect', { ...box, class: `area ${tone}` }),
    ...whisker,
    segment(at, middle - BAR / 2 - 2, at, middle + BAR / 2 + 2, 'mark median'),
    label(text, high + 8, baseline, { classes, note }),
  ].join('\n')
}
