export interface Sample {
  readonly seconds: number
  readonly bytes: number
}
export function growthOf(samples: readonly Sample[]): number
export function sparkline(samples: readonly Sample[], columns?: number): string
export function plot(series: readonly { name: string; samples: readonly Sample[] }[]): string
