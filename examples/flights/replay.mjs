// Builds the fleet, lets it run once over the file, and collects what the agents found.
//
//     thread 1            thread 2                               main thread
//     feed ──flights.*──► delays, distances, alerts ──request──► airports
//                         └──────────── results by request ───► this file
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine } from 'flyshuttle'
import { Latency } from './latency.mjs'
import {
  AlertsResult,
  DelaysProgress,
  DelaysResult,
  DelaysWorst,
  DistancesResult,
  FindAirport,
  Replay,
} from './messages.mjs'

const PLACES = /** @type {const} */ ([
  ['airports', 'main'],
  ['feed', 1],
  ['delays', 2],
  ['distances', 2],
  ['alerts', 2],
])
const PROGRESS_EVERY_MS = 100
const TIMEOUT_MS = 10 * 60_000

/** @typedef {Awaited<ReturnType<typeof replay>>} Run */

/**
 * @param {{
 *   rows: number,
 *   worstOf: { top: number, departuresMin: number },
 *   topAirports: number,
 *   onProgress: ((handled: number) => void) | null,
 * }} options `onProgress` is told about ten times a second how many flights are handled
 */
export async function replay({ rows, worstOf, topAirports, onProgress }) {
  const stop = new AbortController()
  // A handler that throws has no caller to tell; then the counts would never add up.
  const engine = await createEngine({ threads: 2, onError: (error) => stop.abort(error) })
  try {
    for (const [name, thread] of PLACES) {
      await engine.spawn(name, new URL(`${name}.mjs`, import.meta.url), { thread })
    }
    const options = { timeoutMs: TIMEOUT_MS, signal: stop.signal }
    const watching = onProgress === null ? null : watch(engine, onProgress, stop)
    const feed = await engine.request(Replay, { rows }, options)
    const [delays, distances, alerts] = await Promise.all([
      engine.request(DelaysResult, null, options),
      engine.request(DistancesResult, null, options),
      engine.request(AlertsResult, null, options),
    ])
    const worst = await engine.request(DelaysWorst, worstOf, options)
    const busiest = busiestOf(delays.result, topAirports)
    const names = await namesOf(engine, [...busiest, ...worst.map(({ code }) => code)])
    const places = engine.threads.map(({ index, agents }) => ({ index, agents }))
    stop.abort()
    await watching

    const arrivals = [delays, distances, alerts].map((answer) => answer.arrivals)
    const latency = arrivals.reduce((sum, part) => sum.merge(part.latency), new Latency())
    const deliveries = arrivals.reduce((sum, { handled }) => sum + handled, 0)
    const elapsedMs = Math.max(...arrivals.map(({ lastMs }) => lastMs)) - feed.startedMs
    return {
      result: {
        delays: delays.result,
        distances: distances.result,
        alerts: alerts.result,
        worst,
      },
      busiest,
      names,
      places,
      hasAddon: engine.capabilities.addon,
      measures: {
        deliveries,
        elapsedMs,
        deliveriesPerS: (deliveries / elapsedMs) * 1000,
        feed: { readMs: feed.readMs, waitMs: feed.waitMs, waits: feed.waits },
        latency: latency.summary(),
        lookups: new Latency().merge(alerts.lookups).summary(),
      },
    }
  } catch (error) {
    // What stopped the run says more than that it was stopped.
    throw stop.signal.aborted ? stop.signal.reason : error
  } finally {
    await engine.close()
  }
}

/**
 * Codes of the airports with the most departures.
 *
 * @param {import('./messages.mjs').Delays} delays
 * @param {number} count
 */
function busiestOf({ airports }, count) {
  return [...airports]
    .sort(([, a], [, b]) => b.departures - a.departures)
    .slice(0, count)
    .map(([code]) => code)
}

/**
 * What the `airports` agent knows about each of these codes. All requests go out at once.
 *
 * @param {import('flyshuttle').Engine} engine
 * @param {string[]} codes
 */
async function namesOf(engine, codes) {
  const asked = codes.map(async (code) => /** @type {const} */ ([
    code,
    (await engine.request(FindAirport, { code })).name,
  ]))
  return new Map(await Promise.all(asked))
}

/**
 * @param {import('flyshuttle').Engine} engine
 * @param {(handled: number) => void} onProgress
 * @param {AbortController} stop
 */
async function watch(engine, onProgress, stop) {
  const { signal } = stop
  try {
    for (;;) {
      onProgress(await engine.request(DelaysProgress, null, { signal }))
      await sleep(PROGRESS_EVERY_MS, undefined, { signal })
    }
  } catch (error) {
    // Aborted by the run's end, this changes nothing; anything else ends the run.
    stop.abort(error)
  }
}
