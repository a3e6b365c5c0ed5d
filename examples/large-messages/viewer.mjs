// Reads each frame in place, and lets go of it at once.

import { defineAgent, on } from 'flyshuttle'

export default defineAgent({
  name: 'viewer',
  state: () => ({ frames: 0, torn: 0 }),
  subscribe: [
    on(
      'frames.*',
      (lease, _, { state }) => {
        const { bytes } = lease
        const first = bytes[0]
        state.frames++
        if (bytes[bytes.length >> 1] !== first || bytes.at(-1) !== first) state.torn++
        lease.release()
      },
      { lease: true },
    ),
  ],
  handle: [on('viewer.seen', (_, __, { state }) => state)],
})
