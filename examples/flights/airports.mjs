// Knows which airport a code stands for, and tells whoever asks.
import { defineAgent, on } from 'flyshuttle'
import { readAirports } from './data.mjs'
import { FindAirport } from './messages.mjs'

export default defineAgent({
  name: 'airports',
  state: () => ({ airports: /** @type {Map<string, import('./data.mjs').Airport>} */ (new Map()) }),

  // Runs before the first request: `spawn` resolves after it.
  onStart: async ({ state }) => {
    state.airports = await readAirports()
  },

  handle: [
    on(FindAirport, ({ code }, _info, { state }) => {
      const airport = state.airports.get(code)
      // What a handler throws rejects the request, on whatever thread that was made.
      if (airport === undefined) throw new Error(`no airport has the code ${code}`)
      return airport
    }),
  ],
})
