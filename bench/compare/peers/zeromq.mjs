// ZeroMQ: sockets between threads of one process, over a Unix domain socket (loopback TCP on
// Windows); `inproc` does not reach from worker to worker in Node. Values travel as JSON. One
// message may be under way to a socket at a time, so senders await each.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dealer, Pull, Push, Router } from 'zeromq'
import { freePort } from '../lib/free-port.mjs'

/** @type {import('../lib/broker.mjs').Peer['open']} */
export async function open() {
  if (process.platform === 'win32') {
    return { address: `tcp://127.0.0.1:${await freePort()}`, close: () => {} }
  }
  const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-zeromq-'))
  return { address: `ipc://${folder}/bench`, close: () => rmSync(folder, { recursive: true }) }
}

export async function openReceiver(address, take) {
  const socket = new Pull()
  await socket.bind(address)
  void forEach(socket, ([bytes]) => take(JSON.parse(bytes)))
  return { close: () => socket.close() }
}

export async function openSender(address) {
  const socket = new Push()
  socket.connect(address)
  return {
    send: (value) => socket.send(JSON.stringify(value)),
    close: () => socket.close(),
  }
}

export async function openResponder(address, answerTo) {
  const socket = new Router()
  await socket.bind(address)
  void forEach(socket, ([caller, bytes]) =>
    socket.send([caller, JSON.stringify(answerTo(JSON.parse(bytes)))]),
  )
  return { close: () => socket.close() }
}

export async function openRequester(address) {
  const socket = new Dealer()
  socket.connect(address)
  const pending = new Map()
  void forEach(socket, ([bytes]) => {
    const answer = JSON.parse(bytes)
    const resolve = pending.get(answer.id)
    pending.delete(answer.id)
    resolve?.(answer)
  })
  let queue = []
  let isSending = false
  const sendQueued = async () => {
    isSending = true
    while (queue.length > 0) {
      const questions = queue
      queue = []
      for (const question of questions) await socket.send(JSON.stringify(question))
    }
    isSending = false
  }
  return {
    request: (question) =>
      new Promise((resolve) => {
        pending.set(question.id, resolve)
        queue.push(question)
        if (!isSending) void sendQueued()
      }),
    close: () => socket.close(),
  }
}

/** Ends when the socket is closed. */
async function forEach(socket, handle) {
  for await (const frames of socket) await handle(frames)
}
