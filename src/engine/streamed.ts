// What a handler may return for a stream: an async iterable, or a generator. How one is known,
// opened and ended.

export type Parts = Iterator<unknown> | AsyncIterator<unknown>
export type Step = IteratorResult<unknown>

/** Whether a handler's result is a stream of parts: async iterable, or a generator. */
export function isStream(result: unknown): result is object {
  if (typeof result !== 'object' || result === null) return false
  const { [Symbol.asyncIterator]: opens, next } = result as Partial<
    AsyncIterable<unknown> & Iterator<unknown>
  >
  if (typeof opens === 'function') return true
  return typeof next === 'function' && typeof (result as never)[Symbol.iterator] === 'function'
}

/** Opens what `isStream` said yes to. May throw: that is the user's code. */
export function partsOf(result: object): Parts {
  const open = (result as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator]
  return open === undefined ? (result as Iterator<unknown>) : open.call(result)
}

/** Has an iterator run its `finally`, as leaving a loop over it does. */
export function stopParts(iterator: Parts, onError: (error: unknown) => void): void {
  Promise.resolve()
    .then(() => iterator.return?.())
    .catch(onError)
}

/** Ends a stream that nobody will read. */
export function dropStream(result: object, onError: (error: unknown) => void): void {
  try {
    stopParts(partsOf(result), onError)
  } catch (error) {
    onError(error)
  }
}

export function isPromise(step: Step | Promise<Step>): step is Promise<Step> {
  return typeof (step as Promise<Step>).then === 'function'
}
