import { describe, expect, test } from 'vitest'
import { policyName, policyOf, PolicyKind, policyText } from '../../src/agent/queue-policy.js'

describe('a policy as text', () => {
  test.each([
    [undefined, '', { kind: PolicyKind.RoundRobin, field: '', isStrict: false }, "'round-robin'"],
    [
      'round-robin',
      '',
      { kind: PolicyKind.RoundRobin, field: '', isStrict: false },
      "'round-robin'",
    ],
    ['least-loaded', 'least-loaded', { kind: PolicyKind.LeastLoaded }, "'least-loaded'"],
    ['two-choices', 'two-choices', { kind: PolicyKind.TwoChoices }, "'two-choices'"],
    ['weighted', 'weighted', { kind: PolicyKind.Weighted }, "'weighted'"],
    ['key', 'key', { kind: PolicyKind.Key, field: '', isStrict: false }, "'key'"],
    [{}, 'key', { kind: PolicyKind.Key, field: '', isStrict: false }, "'key'"],
    [{ key: 'user' }, 'key:user', { field: 'user', isStrict: false }, "{ key: 'user' }"],
    [{ key: 'a:b' }, 'key:a:b', { field: 'a:b', isStrict: false }, "{ key: 'a:b' }"],
    [{ strict: true }, 'strict-key', { field: '', isStrict: true }, '{ strict: true }'],
    [
      { key: 'user', strict: true },
      'strict-key:user',
      { kind: PolicyKind.Key, field: 'user', isStrict: true },
      "{ key: 'user', strict: true }",
    ],
  ])('%j is %j', (given, text, policy, name) => {
    expect(policyText(given)).toBe(text)
    expect(policyOf(text)).toMatchObject(policy)
    expect(policyName(text)).toBe(name)
  })

  test.each([
    ['random', "policy is \"random\"; wanted 'round-robin', 'least-loaded'"],
    ['', 'policy is ""'],
    ['strict-key', 'policy is "strict-key"'],
    [null, 'policy is null'],
    [7, 'policy is 7'],
    [{ field: 'user' }, 'one of key, strict'],
    [{ key: '' }, 'policy.key is ""; wanted the name of a field'],
    [{ key: 7 }, 'policy.key is 7'],
    [{ strict: 'yes' }, 'policy.strict is "yes"; wanted true or false'],
  ])('%j is none', (given, complaint) => {
    expect(() => policyText(given)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        message: expect.stringContaining(complaint),
      }),
    )
  })
})
