import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

async function linesOf(example: string): Promise<string[]> {
  const main = fileURLToPath(new URL(`../../examples/${example}/main.mjs`, import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main])
  expect(stderr).toBe('')
  return stdout.trimEnd().split('\n')
}

test('the example of backpressure keeps account of every reading', async () => {
  const [, ...rows] = await linesOf('backpressure')
  const counts = rows.map((row) => row.match(/\d+/g)?.map(Number) ?? [])
  expect(rows.map((row) => row.split(' ')[0])).toEqual([
    'log.wait',
    'log.reject',
    'log.newest',
    'log.oldest',
    'log.last',
  ])
  for (const [shown = NaN, refused = NaN, dropped = NaN] of counts) {
    expect(shown + refused + dropped).toBe(1000)
  }
  const [wait = [], reject = [], newest = [], oldest = [], last = []] = counts
  expect(wait.slice(0, 3)).toEqual([1000, 0, 0])
  expect(reject[1]).toBeGreaterThan(0)
  expect(newest[2]).toBeGreaterThan(0)
  expect(oldest.slice(3)).toEqual([998, 999, 1000])
  expect(last[5]).toBe(1000)
  expect(last[4]).toBeLessThan(999)
})

test('the example of priorities goes by priority, and by time', async () => {
  expect(await linesOf('priorities')).toEqual([
    'normal the one in hand',
    'critical alarm 1',
    'critical alarm 2',
    'high price 3',
    'normal order 1',
    'normal order 2',
    'batch report 1',
    'batch report 2',
    'expired: 2',
    'one of batch went after 16 of 100 critical ones',
  ])
})
