// A Fastify service that answers with what an agent says; asked once over the loopback interface,
// then closed.
import Fastify from 'fastify'
import { createEngine } from 'flyshuttle'
import { Square } from './messages.mjs'

const service = Fastify()
const bus = await createEngine({ threads: 1 })
service.addHook('onClose', () => bus.close())
await bus.spawn('square', new URL('./square.mjs', import.meta.url), { thread: 1 })

service.get('/square/:x', ({ params }) => bus.request(Square, { x: Number(params.x) }))

const address = await service.listen({ host: '127.0.0.1', port: 0 })
const response = await fetch(`${address}/square/7`)
console.log(JSON.stringify({ answer: await response.json() }))
await service.close()
