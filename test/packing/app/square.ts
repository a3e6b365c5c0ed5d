// Squares what it is asked to, in TypeScript that has to be compiled: Node alone refuses enums.
import { defineAgent, f64, on, rpc } from 'flyshuttle'

enum Power {
  Square = 2,
}

export const Square = rpc('math.square', { request: { x: f64 }, reply: { y: f64 } })

export default defineAgent({
  name: 'square',
  handle: [on(Square, ({ x }) => ({ y: x ** Power.Square }))],
})
