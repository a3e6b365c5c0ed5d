// For how long the oldest of a line has waited, about: found out by a look now and then, so that
// those who line up and leave need no clock.
//
// A look notes how many had entered by then. While fewer than that have left, somebody has waited
// since that look at least.

/** Looks that are remembered; beyond them, later ones are not. */
const LOOKS_MAX = 64

export class LineAge {
  #looks: { readonly entered: number; readonly atMs: number }[] = []

  /**
   * Ms that the oldest has waited, from the first look that it was seen at. `entered` and `left`
   * are how many did so since the line was made.
   */
  look(entered: number, left: number, nowMs: number): number {
    this.#looks = this.#looks.filter((look) => look.entered > left)
    const oldest = this.#looks[0]
    if (entered > left && this.#looks.length < LOOKS_MAX) this.#looks.push({ entered, atMs: nowMs })
    return oldest === undefined ? 0 : nowMs - oldest.atMs
  }
}
