// The litmus tests: two actors, a few loads and stores each, on four words of one cell that lie 128
// bytes apart. What both saw, together, is an outcome; some are forbidden.
//
// `native/core/litmus.h` has the same steps in C++, by the number in `native`. What the protocol
// stands on:
//
//   store-buffer-atomic   both store, then load the other's word: sleep-check, room-wait
//   ready-sleeping        the same with the or of a ready bit on one side
//   message-atomic        plain data, then an atomic flag: tail-publish, dictionary-tail, log-tail
//   version               an entry, its tail, the version, a message; the reader of the message
//                         looks at the version by a plain load: route-version
//   version-eventually    a plain load in a loop sees another thread's change at last
//
// The -plain ones show what would come of doing without the atomics: interesting, not forbidden.

const LINE = 32
const [X, Y, Z, W] = [0, LINE, 2 * LINE, 3 * LINE]
export const CELL_WORDS = 4 * LINE
/** Word indexes: stop, then where each role has arrived, then the cells, then the results. */
export const STOP = 0
export const ARRIVED = [LINE, 2 * LINE]
export const CELLS = 4 * LINE

const SPINS_MAX = 300_000_000

/** By name: `roles` play a cell and return what they saw; outcomes are `a,b`. */
export const TESTS = {
  'store-buffer-atomic': {
    native: 0,
    roles: [
      (i32, at) => (Atomics.store(i32, at + X, 1), Atomics.load(i32, at + Y)),
      (i32, at) => (Atomics.store(i32, at + Y, 1), Atomics.load(i32, at + X)),
    ],
    forbidden: ['0,0'],
  },
  'store-buffer-plain': {
    native: 1,
    roles: [
      (i32, at) => ((i32[at + X] = 1), i32[at + Y]),
      (i32, at) => ((i32[at + Y] = 1), i32[at + X]),
    ],
    interesting: ['0,0'],
  },
  'ready-sleeping': {
    native: 2,
    roles: [
      (i32, at) => (Atomics.or(i32, at + X, 1), Atomics.load(i32, at + Y)),
      (i32, at) => (Atomics.store(i32, at + Y, 1), Atomics.load(i32, at + X)),
    ],
    forbidden: ['0,0'],
  },
  'message-atomic': {
    native: 3,
    roles: [
      (i32, at) => ((i32[at + X] = 1), Atomics.store(i32, at + Y, 1), 0),
      (i32, at) => Atomics.load(i32, at + Y) * 2 + i32[at + X],
    ],
    // The flag without the data.
    forbidden: ['0,2'],
  },
  'message-plain': {
    native: 4,
    roles: [
      (i32, at) => ((i32[at + X] = 1), (i32[at + Y] = 1), 0),
      (i32, at) => i32[at + Y] * 2 + i32[at + X],
    ],
    interesting: ['0,2'],
  },
  version: {
    native: 5,
    roles: [
      (i32, at) => {
        i32[at + X] = 1
        Atomics.store(i32, at + Y, 1)
        Atomics.add(i32, at + Z, 1)
        Atomics.store(i32, at + W, 1)
        return 0
      },
      (i32, at) => {
        const message = Atomics.load(i32, at + W)
        const version = i32[at + Z]
        const tail = Atomics.load(i32, at + Y)
        return message * 8 + version * 4 + tail * 2 + i32[at + X]
      },
    ],
    // Bits: message, version, tail, entry. Whoever sees one sees all that came before it.
    forbidden: [2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14].map((seen) => `0,${seen}`),
  },
  'version-eventually': {
    native: null,
    cells: 4,
    roles: [
      (i32, at) => {
        // So that the other waits already.
        for (let spin = 0; spin < 2000; spin++) Atomics.load(i32, at + X)
        Atomics.add(i32, at + Z, 1)
        return 0
      },
      (i32, at) => {
        if (seesChange(i32, at + Z, SPINS_MAX)) return 1
        // 2: the other has not even come to it. 0: it has, and a plain load does not show it.
        return Atomics.load(i32, at + Z) === 0 || seesChange(i32, at + Z, 1000) ? 2 : 0
      },
    ],
    forbidden: ['0,0'],
  },
}

function seesChange(i32, index, spinsMax) {
  for (let spin = 0; spin < spinsMax; spin++) if (i32[index] !== 0) return true
  return false
}

export const cellsOf = ({ cells = 256 }) => cells

/** Says that a role is at `step` and waits for the other; false when the end has come. */
export function meet(i32, role, step) {
  Atomics.store(i32, ARRIVED[role], step)
  const other = ARRIVED[1 - role]
  for (let spin = 0; ; spin++) {
    const found = Atomics.load(i32, other)
    if (found >= step) return true
    if (Atomics.load(i32, STOP) !== 0) return false
    // With fewer cores than threads the other needs ours.
    if (spin > 2000) Atomics.wait(i32, other, found, 0.05)
  }
}

/** Plays one role on all cells once. */
export function play(i32, { roles }, role, cells) {
  const act = roles[role]
  const results = CELLS + cells * CELL_WORDS + role * cells
  for (let index = 0; index < cells; index++) {
    i32[results + index] = act(i32, CELLS + index * CELL_WORDS)
  }
}
