// What the agents of this application say to each other.
import { f64, message, rpc, u32 } from 'flyshuttle'

const types = { request: { x: f64 }, reply: { y: f64 } }

export const Ask = rpc('numbers.ask', types)
export const Square = rpc('math.square', types)
export const Tick = message('numbers.tick', { n: u32 })
