// Sums up miles for each airport, out and in, and remembers the longest flight.
import { defineAgent, on } from 'flyshuttle'
import { Arrivals } from './arrivals.mjs'
import { DistancesResult, Finished, Flight } from './messages.mjs'

export default defineAgent({
  name: 'distances',
  state: () => ({
    arrivals: new Arrivals(),
    miles: 0,
    /** Depends on every distance and on the order they came in. */
    orderChecksum: 0,
    /** The first of its length. */
    longest: { distanceMi: 0, dateMs: 0, origin: '', destination: '' },
    airports: /** @type {Map<string, import('./messages.mjs').AirportMiles>} */ (new Map()),
  }),

  subscribe: [
    on(Flight, (flight, _info, { state }) => {
      const { distanceMi, dateMs, origin, destination } = flight
      state.arrivals.measure(flight.sentAtMs)
      state.miles += distanceMi
      airportIn(state.airports, origin).milesOut += distanceMi
      airportIn(state.airports, destination).milesIn += distanceMi
      if (distanceMi > state.longest.distanceMi) {
        state.longest = { distanceMi, dateMs, origin, destination }
      }
      state.orderChecksum = (Math.imul(state.orderChecksum, 31) + distanceMi) | 0
      state.arrivals.done()
    }),
    on(Finished, ({ count }, _info, { state }) => state.arrivals.announce(count)),
  ],

  handle: [
    on(DistancesResult, async (_, _info, { state }) => {
      await state.arrivals.all
      const { arrivals, miles, orderChecksum, longest, airports } = state
      const flights = arrivals.handled
      return {
        result: { flights, miles, orderChecksum, longest, airports },
        arrivals: arrivals.report(),
      }
    }),
  ],
})

/**
 * @param {Map<string, import('./messages.mjs').AirportMiles>} airports
 * @param {string} code
 */
function airportIn(airports, code) {
  let airport = airports.get(code)
  if (airport === undefined) {
    airport = { milesOut: 0, milesIn: 0 }
    airports.set(code, airport)
  }
  return airport
}
