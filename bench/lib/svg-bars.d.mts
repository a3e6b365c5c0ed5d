// The types of the bar chart, for the tests that are written in TypeScript.

import type { Tone } from './svg.mjs'

export interface Bar {
  readonly name: string
  readonly tone: Tone
  readonly value: { readonly median: number; readonly min: number; readonly max: number } | null
  readonly text: string
  readonly note?: string | undefined
}

export interface BarChart {
  readonly title: string
  readonly desc: string
  readonly panels: readonly { readonly title: string; readonly bars: readonly Bar[] }[]
  readonly format: (value: number) => string
  readonly caption: string
  readonly columns?: number
  readonly width?: number
}

export function barChart(chart: BarChart): string
