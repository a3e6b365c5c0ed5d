// Which codec wrote a payload. The same numbers stand in `ring/frame.ts`, where they are packed
// into a frame's word 1; the two folders share a floor, so neither may import the other, and a test
// holds them equal.

export const CodecId = { None: 0, Struct: 1, Msgpack: 2, Raw: 3 } as const
export type CodecId = (typeof CodecId)[keyof typeof CodecId]
