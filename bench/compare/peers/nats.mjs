// NATS: nats.js on both sides and a nats-server of our own between them, on loopback. Values travel
// as JSON.

import { connect, JSONCodec } from 'nats'
import { startNatsServer } from '../lib/nats-server.mjs'

const codec = JSONCodec()
const TICKS = 'bench.tick'
const SUM = 'bench.sum'
const TIMEOUT_MS = 60_000

export const open = startNatsServer

export async function openReceiver(address, take) {
  const connection = await connect({ servers: address })
  connection.subscribe(TICKS, { callback: (error, { data }) => take(codec.decode(data)) })
  await connection.flush()
  return { close: () => connection.close() }
}

export async function openSender(address) {
  const connection = await connect({ servers: address })
  return {
    send: (value) => connection.publish(TICKS, codec.encode(value)),
    close: () => connection.close(),
  }
}

export async function openResponder(address, answerTo) {
  const connection = await connect({ servers: address })
  connection.subscribe(SUM, {
    callback: (error, message) =>
      message.respond(codec.encode(answerTo(codec.decode(message.data)))),
  })
  await connection.flush()
  return { close: () => connection.close() }
}

export async function openRequester(address) {
  const connection = await connect({ servers: address })
  return {
    request: (question) => connection.request(SUM, codec.encode(question), { timeout: TIMEOUT_MS }),
    answerOf: ({ data }) => codec.decode(data),
    close: () => connection.close(),
  }
}
