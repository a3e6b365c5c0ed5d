// Calls a function that a user handed in, from wherever the engine happens to be.

/** What it throws is an uncaught exception, but not within the drain that calls it. */
export function tellUser(call: () => void): void {
  try {
    call()
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown
    })
  }
}
