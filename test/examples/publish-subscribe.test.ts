import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const outputOf = async (example: string): Promise<string> => {
  const main = fileURLToPath(new URL(`../../examples/${example}/main.mjs`, import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main])
  expect(stderr).toBe('')
  return stdout
}

test('every kind of subscription gets what it asked for', async () => {
  const output = await outputOf('publish-subscribe')
  expect(output).toContain('BOS 1000, ORD 1000, SFO 1000')
  expect(output).toMatch(/first at ORD +1, 4\n/)
  expect(output).toMatch(/in batches +3000, several at a time: true/)
  expect(output).toMatch(/one of them, then all: 4/)
  expect(output).toMatch(/seen by the tap +31/)
})

test('each board shows the flights that it wants, and a wrong rule is refused', async () => {
  const output = await outputOf('filters')
  expect(output).toContain('refused: ERR_FILTER_INVALID, delay is no field of the message')
  expect(output.match(/\d+(?= of 10000)/g)?.map(Number)).toEqual([2000, 1000, 300, 10])
  expect(output).toContain('fewer frames than flights: true')
})
