// Looks for flights that are very late, and asks the `airports` agent, on another thread, where
// each of them was to depart.
//
// For most flights the handler returns at once. Where it waits for a reply it returns a promise;
// `concurrency` says how many such flights may wait at one time while the next ones are handled.
import { defineAgent, on } from 'flyshuttle'
import { Arrivals } from './arrivals.mjs'
import { Latency, nowMs } from './latency.mjs'
import { ALERT_MIN, AlertsResult, FindAirport, Finished, Flight } from './messages.mjs'

const LOOKUPS_AT_ONCE = 64

/** @typedef {import('flyshuttle').AgentContext<ReturnType<typeof startState>>} Context */

function startState() {
  return {
    arrivals: new Arrivals(),
    alerts: 0,
    /** Request to reply. */
    lookups: new Latency(),
    states: /** @type {Map<string, number>} */ (new Map()),
    airports: /** @type {Map<string, import('./messages.mjs').AirportAlerts>} */ (new Map()),
  }
}

export default defineAgent({
  name: 'alerts',
  state: startState,

  subscribe: [
    on(
      Flight,
      ({ sentAtMs, delayMin, origin }, _info, context) => {
        const { arrivals } = context.state
        arrivals.measure(sentAtMs)
        if (delayMin >= ALERT_MIN) return raise(context, origin, delayMin)
        arrivals.done()
        return undefined
      },
      { concurrency: LOOKUPS_AT_ONCE },
    ),
    on(Finished, ({ count }, _info, { state }) => state.arrivals.announce(count)),
  ],

  handle: [
    on(AlertsResult, async (_, _info, { state }) => {
      await state.arrivals.all
      const { arrivals, alerts, states, airports, lookups } = state
      return {
        result: { flights: arrivals.handled, alerts, states, airports },
        arrivals: arrivals.report(),
        lookups: lookups.report(),
      }
    }),
  ],
})

/**
 * @param {Context} context
 * @param {string} code
 * @param {number} delayMin
 */
async function raise(context, code, delayMin) {
  const { arrivals, lookups, states, airports } = context.state
  const askedMs = nowMs()
  const { name, city, state } = await context.request(FindAirport, { code })
  lookups.add(nowMs() - askedMs)
  context.state.alerts++
  states.set(state, (states.get(state) ?? 0) + 1)
  const airport = airports.get(code) ?? { name, city, state, alerts: 0, worstMin: 0 }
  airport.alerts++
  airport.worstMin = Math.max(airport.worstMin, delayMin)
  airports.set(code, airport)
  arrivals.done()
}
