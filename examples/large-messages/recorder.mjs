// Keeps the last frames in shared memory, without a copy.

import { defineAgent, on } from 'flyshuttle'

export default defineAgent({
  name: 'recorder',
  state: () => ({ frames: 0, last: [] }),
  subscribe: [
    on(
      'frames.*',
      (lease, _, { state, config }) => {
        state.last.push({ number: state.frames++, lease })
        if (state.last.length > config) state.last.shift().lease.release()
      },
      { lease: true },
    ),
  ],
  handle: [on('recorder.kept', (_, __, { state }) => state.last.map(({ number }) => number))],
})
