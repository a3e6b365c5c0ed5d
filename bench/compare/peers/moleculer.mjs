// Moleculer: two brokers, one per thread, which know each other's loopback TCP port. It has no
// transporter between threads; without any it calls within one thread only (`openLocal`).

import moleculer from 'moleculer'
import { freePort } from '../lib/free-port.mjs'

const QUIET = { logger: false, metrics: false, tracing: false, registry: { preferLocal: true } }

/** Two nodes, each with its port. */
export async function open() {
  const ports = [await freePort(), await freePort()]
  const urls = ports.map((port, index) => `tcp://127.0.0.1:${port}/node-${index}`)
  return { address: urls.join(' '), close: () => {} }
}

async function startBroker(address, index, schema) {
  const transporter = {
    type: 'TCP',
    options: { udpDiscovery: false, urls: address.split(' ') },
  }
  const broker = new moleculer.ServiceBroker({ ...QUIET, nodeID: `node-${index}`, transporter })
  if (schema !== undefined) broker.createService(schema)
  await broker.start()
  return broker
}

export async function openReceiver(address, take) {
  // It looks at the parameter's name: only a handler of `ctx` is given the context.
  const events = { 'bench.tick': (ctx) => take(ctx.params) }
  const broker = await startBroker(address, 0, { name: 'receiver', events })
  return { close: () => broker.stop() }
}

export async function openSender(address) {
  const broker = await startBroker(address, 1)
  await broker.waitForServices('receiver')
  return {
    send: (value) => void broker.emit('bench.tick', value),
    close: () => broker.stop(),
  }
}

const mathOf = (answerTo) => ({
  name: 'math',
  actions: { sum: ({ params }) => answerTo(params) },
})

export async function openResponder(address, answerTo) {
  const broker = await startBroker(address, 0, mathOf(answerTo))
  return { close: () => broker.stop() }
}

export async function openRequester(address) {
  const broker = await startBroker(address, 1)
  await broker.waitForServices('math')
  return { request: (question) => broker.call('math.sum', question), close: () => broker.stop() }
}

/** Caller and service in the same thread: nothing travels, nothing is encoded. */
export async function openLocal(answerTo) {
  const broker = new moleculer.ServiceBroker(QUIET)
  broker.createService(mathOf(answerTo))
  await broker.start()
  return { request: (question) => broker.call('math.sum', question), close: () => broker.stop() }
}
