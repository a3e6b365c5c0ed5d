// How often, how long and after which errors an idempotent request is asked again.

import { expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import { IDEMPOTENT_ATTEMPTS_MAX } from '../../src/base/limits.js'
import { askIdempotently, markMovable } from '../../src/engine/idempotent.js'
import { HandClock } from '../base/hand-clock.js'

const died = (n: number): FlyshuttleError =>
  markMovable(new FlyshuttleError('ERR_RESPONDER_DIED', { subject: 'ask', thread: n }))
const nobody = (): FlyshuttleError => new FlyshuttleError('ERR_NO_RESPONDERS', { subject: 'ask' })

/** Asks `answers` one after the other; each takes `tookMs`. */
function asked(answers: (() => unknown)[], tookMs: number) {
  const clock = new HandClock()
  const lefts: unknown[] = []
  const ask = async ({ timeoutMs }: { readonly timeoutMs?: number }): Promise<unknown> => {
    lefts.push(timeoutMs)
    clock.ms += tookMs
    return (answers[Math.min(lefts.length, answers.length) - 1] as () => unknown)()
  }
  return { result: askIdempotently(ask, { timeoutMs: 100 }, clock), lefts }
}

const fail = (error: unknown) => () => {
  throw error
}

test('each that is asked has what is left of the deadline', async () => {
  const { result, lefts } = asked([fail(died(1)), fail(died(2)), () => 'done'], 40)
  expect(await result).toBe('done')
  expect(lefts).toEqual([100, 60, 20])
})

test('when the deadline is over the last error is told, and nobody asked any more', async () => {
  const [first, second] = [died(1), died(2)]
  const { result, lefts } = asked([fail(first), fail(second), () => 'too late'], 50)
  await expect(result).rejects.toBe(second)
  expect(lefts).toEqual([100, 50])
})

test('when nobody is left the error of the last who had it is told', async () => {
  const last = died(1)
  const { result } = asked([fail(last), fail(nobody())], 1)
  await expect(result).rejects.toBe(last)
  await expect(asked([fail(nobody())], 1).result).rejects.toMatchObject({
    code: 'ERR_NO_RESPONDERS',
  })
})

test('an error of a handler’s own moves nothing, and nobody is asked without end', async () => {
  const own = new FlyshuttleError('ERR_RESPONDER_DIED', { subject: 'ask', thread: 1 })
  const once = asked([fail(own), () => 'never'], 1)
  await expect(once.result).rejects.toBe(own)
  expect(once.lefts).toEqual([100])
  const again = asked([() => fail(died(1))()], 0)
  await expect(again.result).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
  expect(again.lefts).toHaveLength(IDEMPOTENT_ATTEMPTS_MAX)
})
