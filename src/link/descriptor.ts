// What stands in a frame instead of a payload that lies in a block: the last 16 bytes of the frame.
//
//   ┌───────┬────────────┬───────┬──────┐   more: how many frames to the same thread follow that
//   │ block │ generation │ bytes │ more │   name this block; with the last, none is due any more
//   └───────┴────────────┴───────┴──────┘

export const DESCRIPTOR_BYTES = 16

/** Words of a descriptor. */
export const Descriptor = { Block: 0, Generation: 1, Bytes: 2, More: 3 } as const
