// What the agents of the mixed soak say to each other.

import { message, raw, rpc, u32, utf8 } from 'flyshuttle'

export const Tick = message('mixed.ticks', { lane: u32, sequence: u32, late: u32, name: utf8(12) })
export const Frame = message('mixed.frames', raw)
export const Job = message('mixed.jobs', { lane: u32, sequence: u32 })
export const Square = rpc('mixed.square', { request: { x: u32 }, reply: { y: u32 } })
