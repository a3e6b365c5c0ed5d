// Sums up delays for each airport of departure.
import { defineAgent, on } from 'flyshuttle'
import { Arrivals } from './arrivals.mjs'
import {
  DelaysProgress,
  DelaysResult,
  DelaysWorst,
  Finished,
  Flight,
  LATE_MIN,
} from './messages.mjs'

export default defineAgent({
  name: 'delays',
  state: () => ({
    arrivals: new Arrivals(),
    late: 0,
    /** Depends on every delay and on the order they came in. */
    orderChecksum: 0,
    airports: /** @type {Map<string, import('./messages.mjs').AirportDelays>} */ (new Map()),
  }),

  subscribe: [
    on(Flight, ({ dateMs, sentAtMs, delayMin, origin }, _info, { state }) => {
      state.arrivals.measure(sentAtMs)
      let airport = state.airports.get(origin)
      if (airport === undefined) {
        airport = { departures: 0, delayMin: 0, late: 0 }
        state.airports.set(origin, airport)
      }
      airport.departures++
      airport.delayMin += delayMin
      if (delayMin >= LATE_MIN) {
        airport.late++
        state.late++
      }
      const dateMin = dateMs / 60_000
      state.orderChecksum = (Math.imul(state.orderChecksum, 31) + dateMin + delayMin) | 0
      state.arrivals.done()
    }),
    on(Finished, ({ count }, _info, { state }) => state.arrivals.announce(count)),
  ],

  handle: [
    on(DelaysProgress, (_, _info, { state }) => state.arrivals.handled),

    on(DelaysWorst, ({ top, departuresMin }, _info, { state }) =>
      [...state.airports]
        .filter(([, { departures }]) => departures >= departuresMin)
        .map(([code, { departures, delayMin }]) => ({
          code,
          departures,
          meanMin: delayMin / departures,
        }))
        .sort((a, b) => b.meanMin - a.meanMin || (a.code < b.code ? -1 : 1))
        .slice(0, top),
    ),

    on(DelaysResult, async (_, _info, { state }) => {
      const { arrivals, airports } = state
      await arrivals.all
      const flights = arrivals.handled
      return {
        result: { flights, late: state.late, orderChecksum: state.orderChecksum, airports },
        arrivals: arrivals.report(),
      }
    }),
  ],
})
