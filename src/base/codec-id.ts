// Which codec wrote a payload: the number that a frame carries and a message declares.

export const CodecId = { None: 0, Struct: 1, Msgpack: 2, Raw: 3, Flat: 4 } as const
export type CodecId = (typeof CodecId)[keyof typeof CodecId]
