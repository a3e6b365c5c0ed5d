// Who takes part in the one-way scenarios, by name. A contender that is added here can be named in
// each of them. Its code is loaded in the process that runs it, and nowhere else.

const flyshuttle = (what) => async (options) => {
  const { flow } = await import('../contenders/flyshuttle.mjs')
  return flow(what, options)
}

const posted = (what) => async (options) => {
  const { flow } = await import('../contenders/post-message.mjs')
  return flow(what, options)
}

const LOANED = { producer: 'loan-producer', consumer: 'lease-consumer' }

const FLOWS = {
  flyshuttle: (what) => flyshuttle({ ...what, addon: true }),
  'flyshuttle-publisher': (what) =>
    flyshuttle({ ...what, addon: true, producer: 'bound-producer' }),
  'flyshuttle-js': (what) => flyshuttle({ ...what, addon: false }),
  'flyshuttle-loan': (what) => flyshuttle({ ...what, ...LOANED, addon: true }),
  'flyshuttle-loan-js': (what) => flyshuttle({ ...what, ...LOANED, addon: false }),
  postMessage: (what) => posted({ ...what, wire: 'port' }),
  'postMessage-batched': (what) => posted({ ...what, wire: 'port-batched' }),
  'postMessage-transfer': (what) => posted({ ...what, wire: 'port-transfer' }),
  'postMessage-transfer-back': (what) => posted({ ...what, wire: 'port-transfer-back' }),
  BroadcastChannel: (what) => posted({ ...what, wire: 'broadcast' }),
}

/**
 * @param {import('../lib/flow.mjs').Flow} what goes from where to where
 * @param {readonly (keyof typeof FLOWS)[]} names
 * @returns {import('../lib/scenarios.mjs').Scenario['contenders']}
 */
export function flowContenders(what, names) {
  return Object.fromEntries(names.map((name) => [name, FLOWS[name](what)]))
}

/** Two C++ threads with frames of this size, no JavaScript: what the machine could do. */
export function cppLimit(payloadBytes) {
  return async (options) => {
    const { oneToOne } = await import('../contenders/cpp-limit.mjs')
    return oneToOne({ payloadBytes }, options)
  }
}
