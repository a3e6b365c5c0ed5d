import { describe, expect, test } from 'vitest'
import { isAgentDefinition, markAgent } from '../../src/agent/agent.js'

const mark = (definition: unknown): unknown => markAgent(definition as never)
const binding = { target: 'a', handler: () => 1, options: {} }

describe('markAgent', () => {
  test('marks a definition and keeps all that it says', () => {
    const definition = { name: 'a', state: () => 1, subscribe: [binding], handle: [], onStop() {} }
    const marked = mark(definition)
    expect(isAgentDefinition(marked)).toBe(true)
    expect(isAgentDefinition(definition)).toBe(false)
    expect({ ...(marked as object) }).toMatchObject(definition)
    expect(Object.isFrozen(marked)).toBe(true)
  })

  test.each([
    ['nothing', undefined, /definition object/],
    ['null', null, /definition object/],
    ['a text', 'agent', /definition object/],
    ['no name', {}, /a name/],
    ['an empty name', { name: '' }, /a name/],
    ['an unknown key', { name: 'a', onstart: () => 1 }, /the key onstart/],
    ['a state that is no function', { name: 'a', state: 1 }, /state 1/],
    ['a hook that is no function', { name: 'a', onStart: {} }, /onStart an object/],
    ['subscriptions that are no list', { name: 'a', subscribe: binding }, /subscribe an object/],
    ['a list of something else', { name: 'a', handle: ['a.b'] }, /handle an array/],
    ['a list with a hole', { name: 'a', handle: [null] }, /handle an array/],
  ])('refuses %s', (_, definition, message) => {
    expect(() => mark(definition)).toThrow(
      expect.objectContaining({
        code: 'ERR_AGENT_INVALID',
        message: expect.stringMatching(message),
      }),
    )
  })

  test('names the agent that is not valid', () => {
    expect(() => mark({ name: 'prices', state: 1 })).toThrow(/"prices"/)
  })
})

test.each([undefined, null, 1, 'a', {}, () => 1])('%o is no agent definition', (value) => {
  expect(isAgentDefinition(value)).toBe(false)
})
