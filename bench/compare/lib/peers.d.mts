// The type of `withPeer`, for the tests that are written in TypeScript.

export function withPeer<T, R>(
  name: string,
  load: () => Promise<T>,
  run: (contender: T) => Promise<R>,
  remedy?: string,
): Promise<R | { notRun: string }>
