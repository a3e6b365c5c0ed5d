// The types of the SVG writer, for the tests that are written in TypeScript.

export type Tone = 'teal' | 'mint' | 'slate' | 'amber' | 'violet' | 'rose' | 'ghost'

export const TONES: Record<Tone, readonly [light: string, dark: string]>

export interface Scale {
  readonly ticks: readonly number[]
  readonly minor: readonly number[]
  at(value: number): number
}

type Range = readonly [from: number, to: number]

export function escapeText(text: unknown): string
export function element(
  name: string,
  attributes: Record<string, string | number | undefined>,
  content?: string,
): string
export function label(
  text: string,
  x: number,
  y: number,
  options?: { classes?: string; anchor?: 'middle' | 'end'; note?: string },
): string
export function segment(x1: number, y1: number, x2: number, y2: number, classes: string): string
export function xy(x: number, y: number): string
export function svgPage(page: {
  readonly width: number
  readonly height: number
  readonly title: string
  readonly desc: string
  readonly body: readonly string[]
}): string
export function wrapText(text: string, width: number, fontPx?: number): string[]
export function textWidth(text: string, fontPx?: number): number
export function logScale(
  values: readonly number[],
  range: Range,
  options?: { pad?: number; fromTick?: boolean },
): Scale
export function linearScale(domain: Range, range: Range): Scale
export function ninesOf(fraction: number): number
