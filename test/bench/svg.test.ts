// The plots of the benchmarks: markup that every reader accepts, and places that mean what they
// say.

import { describe, expect, test } from 'vitest'
import { barChart, type BarChart } from '../../bench/lib/svg-bars.mjs'
import { lineChart, spread, type LineChart } from '../../bench/lib/svg-lines.mjs'
import {
  element,
  escapeText,
  label,
  linearScale,
  logScale,
  ninesOf,
  TONES,
  wrapText,
} from '../../bench/lib/svg.mjs'
import { complaintAbout } from './xml.js'

const HARD = `<&>"' ]]> \u0000 \ud800 ünïcode 🧵`

const bars: BarChart = {
  title: `Bars ${HARD}`,
  desc: HARD,
  panels: [
    {
      title: HARD,
      bars: [
        {
          name: HARD,
          tone: 'teal',
          value: { median: 2e6, min: 1e6, max: 3e6 },
          text: HARD,
          note: '2×',
        },
        {
          name: 'ceiling',
          tone: 'ghost',
          value: { median: 8e7, min: 8e7, max: 8e7 },
          text: '80 M',
        },
        { name: 'liar', tone: 'slate', value: null, text: 'refused: received 1 of 2' },
      ],
    },
    { title: 'none', bars: [] },
  ],
  format: String,
  caption: HARD,
  columns: 2,
}

const lines: LineChart = {
  title: HARD,
  desc: HARD,
  x: { label: HARD, ticks: [0.5, 0.9, 0.99].map((p) => ({ at: ninesOf(p), label: `${p}` })) },
  y: { label: 'µs', format: String },
  series: [
    {
      name: HARD,
      tone: 'teal',
      points: [
        [ninesOf(0.5), 1],
        [ninesOf(0.9), 2],
      ],
      apart: [[2, 90]],
      band: [
        [ninesOf(0.5), 0.9, 1.1],
        [ninesOf(0.9), 1.9, 2.2],
      ],
      note: HARD,
    },
    { name: 'empty', tone: 'amber', points: [] },
  ],
  caption: HARD,
}

const rates: LineChart = {
  ...lines,
  x: { label: 'requests/s', format: String },
  series: [
    {
      name: 'one',
      tone: 'slate',
      points: [
        [1e3, 3],
        [1e6, 400],
      ],
    },
  ],
}

describe('a plot', () => {
  const plots: [string, () => string][] = [
    ['of bars', () => barChart(bars)],
    ['of bars without figures', () => barChart({ ...bars, panels: bars.panels.slice(1) })],
    ['of percentiles', () => lineChart(lines)],
    ['of rates', () => lineChart(rates)],
    ['of nothing', () => lineChart({ ...rates, series: [] })],
  ]

  test.each(plots)('%s is well-formed XML, whatever its texts hold', (_, draw) => {
    expect(complaintAbout(draw())).toBeNull()
  })

  test.each(plots)('%s is the same for the same figures', (_, draw) => {
    expect(draw()).toBe(draw())
  })

  test.each(plots)('%s has only numbers for places', (_, draw) => {
    expect(draw()).not.toMatch(/NaN|Infinity|undefined|null/)
  })

  test('says what it shows to those who do not see it', () => {
    const svg = barChart({ ...bars, title: 'Speed', desc: 'flyshuttle: 2 M/s' })
    expect(svg).toContain('role="img" aria-labelledby="title desc"')
    expect(svg).toContain('<title id="title">Speed</title>')
    expect(svg).toContain('<desc id="desc">flyshuttle: 2 M/s</desc>')
  })

  test('has every colour for light and for dark', () => {
    const [light, dark] = barChart(bars).split('@media(prefers-color-scheme:dark)')
    for (const [tone, pair] of Object.entries(TONES)) {
      expect(light, tone).toContain(pair[0])
      expect(dark, tone).toContain(pair[1])
    }
  })

  test('loads nothing from elsewhere', () => {
    for (const [, draw] of plots) {
      expect(draw().replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|href/)
    }
  })
})

describe('bars', () => {
  const numbersOf = (svg: string, pattern: RegExp): number[] =>
    [...svg.matchAll(pattern)].map(([, number]) => Number(number))
  const bar = (median: number, min: number, max: number) =>
    ({ name: 'x', tone: 'slate', value: { median, min, max }, text: '' }) as const
  const draw = (...all: ReturnType<typeof bar>[]): string =>
    barChart({ ...bars, panels: [{ title: '', bars: all }], columns: 1 })

  test('of ten times the rate are longer by the same step', () => {
    const svg = draw(bar(1e3, 1e3, 1e3), bar(1e4, 1e4, 1e4), bar(1e5, 1e5, 1e5))
    const [a = 0, b = 0, c = 0] = numbersOf(svg, /width="([\d.]+)" height="13"/g)
    expect(b - a).toBeGreaterThan(50)
    expect(c - b).toBeCloseTo(b - a, 1)
  })

  test('end at the median, with the whisker from the slowest to the fastest', () => {
    const svg = draw(bar(1e4, 1e3, 1e5))
    const [from = 0] = numbersOf(svg, /<rect x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="13"/g)
    const [width = 0] = numbersOf(svg, /width="([\d.]+)" height="13"/g)
    const [low = 0] = numbersOf(svg, /class="mark" d="M([\d.]+),/g)
    const [high = 0] = numbersOf(svg, /class="mark" d="M[\d.]+,[\d.]+L([\d.]+),/g)
    const [median = 0] = numbersOf(svg, /class="mark median" d="M([\d.]+),/g)
    expect(median).toBeCloseTo(from + width, 1)
    expect(median).toBeCloseTo((low + high) / 2, 1)
    expect(low).toBeLessThan(median)
  })

  test('of refused rows have their reason and no length', () => {
    const svg = barChart(bars)
    expect(svg).toContain('refused: received 1 of 2')
    expect(svg.match(/height="13"/g)).toHaveLength(2)
  })
})

describe('scales', () => {
  test('a logarithmic scale has a tick per decade, and more when there are few', () => {
    const { ticks } = logScale([2e3, 3e6], [0, 100])
    expect(ticks).toEqual([1e4, 1e5, 1e6])
    expect(logScale([30, 300], [0, 100]).ticks).toEqual([50, 100, 200])
  })

  test('every value has its place within the range', () => {
    const scale = logScale([2e3, 3e6], [10, 110])
    expect(scale.at(2e3)).toBeGreaterThan(10)
    expect(scale.at(3e6)).toBeLessThan(110)
    expect(scale.at(2e4) - scale.at(2e3)).toBeCloseTo(scale.at(2e6) - scale.at(2e5), 9)
  })

  test('a scale that starts at a tick starts at a round number below the values', () => {
    const scale = logScale([735e3, 83e6], [0, 100], { fromTick: true })
    expect(scale.ticks[0]).toBe(5e5)
    expect(scale.at(5e5)).toBe(0)
  })

  test('one value alone has a scale', () => {
    const scale = logScale([7], [0, 100], { fromTick: true })
    expect(scale.ticks.length).toBeGreaterThan(0)
    expect(scale.at(7)).toBeGreaterThan(0)
  })

  test('each further nine of a percentile is one step', () => {
    expect([0, 0.9, 0.99, 0.999].map(ninesOf)).toEqual([0, 1, 2, 3])
    expect(linearScale([0, 3], [0, 300]).at(ninesOf(0.99))).toBe(200)
  })

  test('names that would overlap are moved apart, within their room', () => {
    expect(spread([10, 50], 15, 0, 100)).toEqual([10, 50])
    expect(spread([10, 11, 12], 15, 0, 100)).toEqual([10, 25, 40])
    expect(spread([95, 99, 100], 15, 0, 100)).toEqual([70, 85, 100])
    expect(spread([], 15, 0, 100)).toEqual([])
  })
})

describe('markup', () => {
  test('text is escaped, and what XML forbids is replaced', () => {
    expect(escapeText(`<a b="c">&'`)).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&#39;')
    expect(escapeText('a\u0000b\ud800c')).toBe('a\ufffdb\ufffdc')
    expect(label('<b>', 1, 2, { note: '&' })).toMatch(/>&lt;b&gt;<tspan .*>&amp;</)
  })

  test('numbers are short and attributes that are undefined are not there', () => {
    const made = element('rect', { x: 1 / 3, y: 2, class: undefined })
    expect(made).toBe('<rect x="0.33" y="2"/>')
  })

  test('captions are broken between words', () => {
    const wrapped = wrapText('one two three four', 9 * 11 * 0.6)
    expect(wrapped).toEqual(['one two', 'three', 'four'])
  })
})
