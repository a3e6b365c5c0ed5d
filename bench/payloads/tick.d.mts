// The types of the tick, for the tests that are written in TypeScript.

export interface Tick {
  id: number
  topic: string
  price: number
  qty: number
  user: string
}

export function tickAt(id: number): Tick
export function foldTick(sum: number, tick: Tick): number
export function expectedTickSum(first: number, count: number): number
