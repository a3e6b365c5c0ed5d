// A clock that tests move by hand.

import type { Clock } from '../../src/base/clock.js'

export class HandClock implements Clock {
  ms: number

  constructor(ms = 1_000_000.25) {
    this.ms = ms
  }

  nowMs(): number {
    return this.ms
  }
}
