import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../examples/queue-groups/main.mjs', import.meta.url))

test('hands out every order by each policy, and a customer to one clerk by key', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN])
  expect(stderr).toBe('')
  const rows = stdout.trimEnd().split('\n').slice(1)
  const shares = rows.map((row) =>
    row
      .match(/(\d+)\s+(\d+)\s+(\d+)\s+up to (\d)$/)
      ?.slice(1)
      .map(Number),
  )
  expect(shares).toHaveLength(5)
  for (const share of shares) {
    const [ann = NaN, bob = NaN, sue = NaN] = share ?? []
    expect(ann + bob + sue).toBe(240)
  }
  // Sue's mailbox is large enough that nobody is passed over.
  expect(shares[0]?.slice(0, 3)).toEqual([80, 80, 80])
  expect(shares[3]?.slice(0, 3)).toEqual([120, 80, 40])
  expect(shares[4]?.[3]).toBe(1)
  expect(rows[4]).toContain('{"key":"customer"}')
})
