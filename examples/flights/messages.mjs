// What the agents say to each other: every subject of the example with the type of its messages.
//
// Each thread imports this file, so sender and receiver agree by construction; payload types follow
// from it in an editor too.
import { ascii, f64, i16, message, rpc, u16, u32, utf8 } from 'flyshuttle'

/** From this delay on a flight counts as late, as in the statistics of the U.S. authorities. */
export const LATE_MIN = 15
/** From this delay on it raises an alert. */
export const ALERT_MIN = 180
/** Every n-th flight carries the time it was published, so that its latency can be measured. */
export const SAMPLE_EVERY = 64

/** One flight: 26 bytes of fields. */
export const Flight = message('flights.departed', {
  /** Scheduled departure, local time, ms since 1970. */
  dateMs: f64,
  /** When it was published (`nowMs` in latency.mjs); 0 on the flights that are not sampled. */
  sentAtMs: f64,
  /** Negative when early. */
  delayMin: i16,
  distanceMi: u16,
  origin: ascii(3),
  destination: ascii(3),
})

/**
 * The feed is done, and so many flights went out. It may overtake flights on the way: order is
 * promised within a subject, not between two. So receivers count.
 */
export const Finished = message('flights.finished', { count: u32 })

/**
 * @typedef {{ startedMs: number, readMs: number, waitMs: number, waits: number }} FeedReport
 * @typedef {[bucket: number, count: number][]} Buckets
 * @typedef {{ buckets: Buckets, maxMs: number }} LatencyReport
 * @typedef {{ handled: number, lastMs: number, latency: LatencyReport }} ArrivalsReport
 *
 * @typedef {{ departures: number, delayMin: number, late: number }} AirportDelays
 * @typedef {{ flights: number, late: number, orderChecksum: number,
 *   airports: Map<string, AirportDelays> }} Delays
 * @typedef {{ code: string, departures: number, meanMin: number }} WorstAirport
 *
 * @typedef {{ milesOut: number, milesIn: number }} AirportMiles
 * @typedef {{ distanceMi: number, dateMs: number, origin: string, destination: string }} Longest
 * @typedef {{ flights: number, miles: number, orderChecksum: number, longest: Longest,
 *   airports: Map<string, AirportMiles> }} Distances
 *
 * @typedef {{ name: string, city: string, state: string, alerts: number,
 *   worstMin: number }} AirportAlerts
 * @typedef {{ flights: number, alerts: number, states: Map<string, number>,
 *   airports: Map<string, AirportAlerts> }} Alerts
 */

/**
 * What an agent answers when it has handled everything.
 *
 * @template T
 * @typedef {{ result: T, arrivals: ArrivalsReport }} Answer
 */

/**
 * Replays the first `rows` flights. The reply comes when the last one is published.
 *
 * @type {import('flyshuttle').Rpc<{ rows: number }, FeedReport>}
 */
export const Replay = rpc('feed.replay')

/**
 * How many flights `delays` has handled so far.
 *
 * @type {import('flyshuttle').Rpc<null, number>}
 */
export const DelaysProgress = rpc('delays.progress')

/**
 * The airports with the longest mean delay among those with enough departures.
 *
 * @type {import('flyshuttle').Rpc<{ top: number, departuresMin: number }, WorstAirport[]>}
 */
export const DelaysWorst = rpc('delays.worst')

/** @type {import('flyshuttle').Rpc<null, Answer<Delays>>} */
export const DelaysResult = rpc('delays.result')

/** @type {import('flyshuttle').Rpc<null, Answer<Distances>>} */
export const DistancesResult = rpc('distances.result')

/** @type {import('flyshuttle').Rpc<null, Answer<Alerts> & { lookups: LatencyReport }>} */
export const AlertsResult = rpc('alerts.result')

/** Which airport a code stands for. Structs both ways: it is asked thousands of times a second. */
export const FindAirport = rpc('airports.find', {
  request: { code: ascii(3) },
  reply: { name: utf8(64), city: utf8(48), state: ascii(2) },
})
