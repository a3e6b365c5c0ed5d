// One subscriber of one subject and a hundred of another, all on one thread, who count.

import { defineAgent, f64, message, on, u32 } from 'flyshuttle'

export const SUBSCRIBERS = 100
const fields = { id: u32, price: f64, qty: u32, stamp: f64, flags: f64 }
export const One = message('crowd.one', fields)
export const Many = message('crowd.many', fields)

export default defineAgent({
  name: 'crowd',
  state: () => ({ count: 0, sum: 0 }),
  subscribe: [One, ...Array.from({ length: SUBSCRIBERS }, () => Many)].map((message) =>
    on(message, ({ id }, _, { state }) => {
      state.count++
      state.sum += id
    }),
  ),
  handle: [
    on('crowd.counted', (_, __, { state }) => state),
    on('crowd.forget', (_, __, { state }) => {
      state.count = 0
      state.sum = 0
    }),
  ],
})
