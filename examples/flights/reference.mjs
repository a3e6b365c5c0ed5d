// The same answers from a plain loop: one thread, no engine, no messages.
//
// Written on its own on purpose. It shares with the agents the readers of the files and nothing
// else, so a mistake in an agent or in the engine shows as a difference.
import { readAirports, readFlights } from './data.mjs'
import { ALERT_MIN, LATE_MIN } from './messages.mjs'

/**
 * @typedef {object} Result
 * @property {import('./messages.mjs').Delays} delays
 * @property {import('./messages.mjs').Distances} distances
 * @property {import('./messages.mjs').Alerts} alerts
 * @property {import('./messages.mjs').WorstAirport[]} worst
 */

/**
 * What the agents should have found in the first `rows` flights, and how long it took to read the
 * file and to add up.
 *
 * @param {number} rows
 * @param {{ top: number, departuresMin: number }} worstOf
 * @returns {Promise<{ result: Result, readMs: number, loopMs: number }>}
 */
export async function computeReference(rows, { top, departuresMin }) {
  const names = await readAirports()
  /** @type {Map<string, import('./messages.mjs').AirportDelays>} */
  const departures = new Map()
  /** @type {Map<string, import('./messages.mjs').AirportMiles>} */
  const miles = new Map()
  /** @type {Map<string, import('./messages.mjs').AirportAlerts>} */
  const alerts = new Map()
  /** @type {Map<string, number>} */
  const states = new Map()
  let longest = { distanceMi: 0, dateMs: 0, origin: '', destination: '' }
  let flightCount = 0
  let lateCount = 0
  let alertCount = 0
  let mileCount = 0
  let delayChecksum = 0
  let distanceChecksum = 0
  let readMs = 0
  let loopMs = 0

  let markMs = performance.now()
  for await (const columns of readFlights(rows)) {
    const readyMs = performance.now()
    readMs += readyMs - markMs
    for (let row = 0; row < columns.count; row++) {
      const dateMs = columns.dateMs[row]
      const delayMin = columns.delayMin[row]
      const distanceMi = columns.distanceMi[row]
      const origin = columns.origin[row]
      const destination = columns.destination[row]
      flightCount++
      mileCount += distanceMi

      const from = departures.get(origin)
      const late = delayMin >= LATE_MIN ? 1 : 0
      lateCount += late
      if (from === undefined) departures.set(origin, { departures: 1, delayMin, late })
      else {
        from.departures += 1
        from.delayMin += delayMin
        from.late += late
      }

      const out = miles.get(origin)
      if (out === undefined) miles.set(origin, { milesOut: distanceMi, milesIn: 0 })
      else out.milesOut += distanceMi
      const into = miles.get(destination)
      if (into === undefined) miles.set(destination, { milesOut: 0, milesIn: distanceMi })
      else into.milesIn += distanceMi
      if (distanceMi > longest.distanceMi) longest = { distanceMi, dateMs, origin, destination }

      if (delayMin >= ALERT_MIN) {
        alertCount++
        const airport = names.get(origin)
        if (airport === undefined) throw new Error(`no airport has the code ${origin}`)
        const { name, city, state } = airport
        states.set(state, (states.get(state) ?? 0) + 1)
        const known = alerts.get(origin)
        if (known === undefined) {
          alerts.set(origin, { name, city, state, alerts: 1, worstMin: delayMin })
        } else {
          known.alerts += 1
          if (delayMin > known.worstMin) known.worstMin = delayMin
        }
      }

      // A polynomial over the rows, modulo 2^32: it changes when a row does, and when two swap.
      delayChecksum = (Math.imul(delayChecksum, 31) + dateMs / 60_000 + delayMin) | 0
      distanceChecksum = (Math.imul(distanceChecksum, 31) + distanceMi) | 0
    }
    markMs = performance.now()
    loopMs += markMs - readyMs
  }

  const worst = []
  for (const [code, airport] of departures) {
    if (airport.departures < departuresMin) continue
    const meanMin = airport.delayMin / airport.departures
    worst.push({ code, departures: airport.departures, meanMin })
  }
  worst.sort((a, b) => b.meanMin - a.meanMin || a.code.localeCompare(b.code, 'en'))
  return {
    result: {
      delays: {
        flights: flightCount,
        late: lateCount,
        orderChecksum: delayChecksum,
        airports: departures,
      },
      distances: {
        flights: flightCount,
        miles: mileCount,
        orderChecksum: distanceChecksum,
        longest,
        airports: miles,
      },
      alerts: { flights: flightCount, alerts: alertCount, states, airports: alerts },
      worst: worst.slice(0, top),
    },
    readMs,
    loopMs,
  }
}
