// The type of the server, for the tests that are written in TypeScript.

export function startNatsServer(
  command?: string,
): Promise<{ address: string; close(): Promise<void> } | { notRun: string }>
