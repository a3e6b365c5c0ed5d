// Work of others that is waited for, but not for ever.

import { FlyshuttleError } from '../base/errors.js'

/**
 * What `work` comes to, if that is within `limitMs`. The work itself goes on.
 *
 * @throws (as rejection) ERR_TIMEOUT, naming `what`
 */
export async function withDeadline<T>(what: string, work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const data = { subject: what, wanted: Math.round(limitMs) }
    timer = setTimeout(() => reject(new FlyshuttleError('ERR_TIMEOUT', data)), limitMs)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
