import { describe, expect, test } from 'vitest'
import { PublishInfo, RequestTicket } from '../../src/agent/info.js'

const FIELDS = ['subject', 'thread', 'agent', 'isRequest'] as const

describe('the info of a publish', () => {
  test('says what it was filled with', () => {
    const info = new PublishInfo('>')
    info.fill('orders.new', 3, 9)
    expect(FIELDS.map((field) => info[field])).toEqual(['orders.new', 3, 9, false])
  })

  test.each(FIELDS)('refuses to tell %s before it is filled and after it has expired', (field) => {
    const info = new PublishInfo('>')
    const refusal = expect.objectContaining({
      code: 'ERR_INFO_EXPIRED',
      data: { found: `info.${field}` },
    })
    expect(() => info[field]).toThrow(refusal)
    info.fill('a', 0, 0)
    info.expire()
    expect(() => info[field]).toThrow(refusal)
  })

  test('is valid again once it is filled again', () => {
    const info = new PublishInfo('>')
    info.fill('a', 0, 0)
    info.expire()
    info.fill('b', 1, 2)
    expect(info.subject).toBe('b')
  })
})

test('the info of a request keeps what it says', () => {
  const ticket = new RequestTicket('a', 1, 2, 3, 4, 5.5)
  expect({ ...ticket, headers: ticket.headers }).toMatchObject({
    headers: {},
    isRequest: true,
    subject: 'a',
    thread: 1,
    agent: 2,
    incarnation: 3,
    counter: 4,
    deadlineMs: 5.5,
  })
})

describe('tokens', () => {
  test('are what the wildcards of the pattern stand for, of each subject anew', () => {
    const info = new PublishInfo('flights.*.>')
    info.fill('flights.ORD.late.60', 1, 0)
    expect(info.tokens).toEqual(['ORD', 'late.60'])
    const kept = info.tokens
    info.fill('flights.ORD.late.60', 2, 0)
    expect(info.tokens).toBe(kept)
    info.fill('flights.BOS.late', 1, 0)
    expect(info.tokens).toEqual(['BOS', 'late'])
    expect(kept).toEqual(['ORD', 'late.60'])
    info.expire()
    expect(() => info.tokens).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
  })

  test('are none without wildcards, and cannot be changed', () => {
    const info = new PublishInfo('flights.ORD')
    info.fill('flights.ORD', 1, 0)
    expect(info.tokens).toEqual([])
    expect(Object.isFrozen(info.tokens)).toBe(true)
  })

  test('of a request stay readable', () => {
    const ticket = new RequestTicket('ask.me.now', 1, 2, 3, 4, 5.5)
    expect(ticket.tokens).toEqual([])
    ticket.pattern = 'ask.>'
    expect(ticket.tokens).toEqual(['me.now'])
  })
})
