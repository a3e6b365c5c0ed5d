// The types of the line chart, for the tests that are written in TypeScript.

import type { Tone } from './svg.mjs'

export type Point = readonly [x: number, y: number]

export interface Series {
  readonly name: string
  readonly tone: Tone
  readonly points: readonly Point[]
  readonly apart?: readonly Point[]
  readonly band?: readonly (readonly [x: number, low: number, high: number])[]
  readonly note?: string
}

export interface LineChart {
  readonly title: string
  readonly desc: string
  readonly x: { readonly label: string } & (
    | { readonly ticks: readonly { readonly at: number; readonly label: string }[] }
    | { readonly format: (value: number) => string }
  )
  readonly y: { readonly label: string; readonly format: (value: number) => string }
  readonly series: readonly Series[]
  readonly caption: string
  readonly width?: number
  readonly plotHeight?: number
}

export function lineChart(chart: LineChart): string
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[]
