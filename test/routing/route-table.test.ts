import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHANGES_COMPARED_MAX, ROUTES_CACHED_MAX } from '../../src/base/limits.js'
import { Lane } from '../../src/memory/layout.js'
import { RouteTable, type Route } from '../../src/routing/route-table.js'
import type { LocalSubscription } from '../../src/routing/target.js'
import { World } from './world.js'

const shape = (route: Route) => ({
  plain: route.destinations.map(({ link, requiredRows }) => [link.to, requiredRows.length]),
  groups: route.groups.map(({ queue, members }) => [queue, members.map(({ link }) => link.to)]),
  responders: route.responders?.members.map(({ link }) => link.to) ?? null,
  solo: route.solo?.to ?? null,
})

describe('a route', () => {
  test('leads nowhere when nobody listens', () => {
    const world = new World(2)
    const route = world.thread(0).routes.route('a.b')
    expect(shape(route)).toEqual({ plain: [], groups: [], responders: null, solo: null })
    expect(route.hasReceivers).toBe(false)
  })

  test('has one link for all plain subscriptions of a thread', () => {
    const world = new World(3)
    world.thread(1).subscribe('a.*')
    world.thread(1).subscribe('a.b')
    world.thread(2).subscribe('>')
    const route = world.thread(0).routes.route('a.b')
    expect(shape(route).plain.sort()).toEqual([
      [1, 2],
      [2, 1],
    ])
    expect(route.solo).toBeNull()
  })

  test('leads to its own thread like to any other', () => {
    const world = new World(2)
    world.thread(0).subscribe('a')
    expect(world.thread(0).routes.route('a').solo?.to).toBe(0)
  })

  test('is short when one thread has plain required subscriptions and nobody else anything', () => {
    const world = new World(3)
    world.thread(1).subscribe('a')
    const { routes, outbox } = world.thread(0)
    expect(routes.route('a').solo).toBe(outbox.link(1, Lane.Bulk))
  })

  test.each([
    ['a second thread', (world: World) => world.thread(2).subscribe('a')],
    ['a queue group', (world: World) => world.thread(1).subscribe('a', { queue: 'q' })],
    ['a responder', (world: World) => world.thread(1).subscribe('a', { responder: true })],
  ])('is not short with %s', (_, also) => {
    const world = new World(3)
    world.thread(1).subscribe('a')
    also(world)
    expect(world.thread(0).routes.route('a').solo).toBeNull()
  })

  test('is not short when its only thread is lossy', () => {
    const world = new World(2)
    world.thread(1).subscribe('a', { lossy: true })
    const route = world.thread(0).routes.route('a')
    expect(shape(route)).toMatchObject({ plain: [[1, 0]], solo: null })
  })

  test('gathers a queue group over patterns and threads', () => {
    const world = new World(3)
    world.thread(1).subscribe('a.*', { queue: 'q' })
    world.thread(2).subscribe('a.b', { queue: 'q' })
    world.thread(2).subscribe('a.b', { queue: 'other' })
    world.thread(2).subscribe('a.b', { responder: true })
    const { groups, responders } = shape(world.thread(0).routes.route('a.b'))
    expect(groups.map(([queue, to]) => [queue, [...(to as number[])].sort()]).sort()).toEqual([
      ['other', [2]],
      ['q', [1, 2]],
    ])
    expect(responders).toEqual([2])
  })

  test('is lossy as a group only when all of its members are', () => {
    const world = new World(2)
    world.thread(1).subscribe('a', { queue: 'q', lossy: true })
    expect(world.thread(0).routes.route('a').groups[0]?.isLossy).toBe(true)
    world.thread(1).subscribe('a', { queue: 'q' })
    expect(world.thread(0).routes.route('a').groups[0]?.isLossy).toBe(false)
  })
})

describe('a route table', () => {
  test('sees each change at the next use', () => {
    const world = new World(2)
    const { routes } = world.thread(0)
    const route = routes.route('a')
    expect(route.solo).toBeNull()
    const subscription = world.thread(1).subscribe('a')
    expect(routes.route('a')).toBe(route)
    expect(route.solo?.to).toBe(1)
    world.thread(1).unsubscribe(subscription)
    routes.refresh(route)
    expect(route.hasReceivers).toBe(false)
  })

  test('keeps whose turn it is when a group changes', () => {
    const world = new World(3)
    for (const thread of [1, 2]) world.thread(thread).subscribe('a', { queue: 'q' })
    const route = world.thread(0).routes.route('a')
    const group = route.groups[0]
    if (group !== undefined) group.turn = 1
    world.thread(1).subscribe('a', { queue: 'q' })
    world.thread(0).routes.refresh(route)
    expect(route.groups[0]).toMatchObject({ turn: 1 })
    expect(route.groups[0]?.members).toHaveLength(3)
  })

  test('leaves a route as it is when a change cannot match its subject', () => {
    const world = new World(2)
    world.thread(1).subscribe('a')
    const { routes } = world.thread(0)
    const route = routes.route('a')
    const { destinations } = route
    const other = world.thread(1).subscribe('b.>')
    routes.refresh(route)
    world.thread(1).unsubscribe(other)
    routes.refresh(route)
    expect(route.destinations).toBe(destinations)
    world.thread(1).subscribe('*')
    routes.refresh(route)
    expect(shape(route)).toMatchObject({ plain: [[1, 2]] })
  })

  test('sees a change that is followed by very many others', () => {
    const world = new World(2)
    const { routes } = world.thread(0)
    const route = routes.route('a')
    world.thread(1).subscribe('a')
    for (let i = 0; i < CHANGES_COMPARED_MAX; i++) world.thread(1).subscribe(`other.${i}`)
    routes.refresh(route)
    expect(route.solo?.to).toBe(1)
  })

  test('agrees with a table that has just been made, whatever came and went', () => {
    const pattern = fc.constantFrom('a', 'a.b', 'a.*', '*.b', '>', 'a.>', 'b', 'b.>')
    const change = fc.record({
      pattern,
      queue: fc.constantFrom('', '', 'q', 'r'),
      thread: fc.constantFrom(1, 2),
      lossy: fc.boolean(),
      responder: fc.nat(4).map((n) => n === 0),
      isGone: fc.boolean(),
      looks: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const world = new World(3)
        const { routes, outbox, dictionary } = world.thread(0)
        const subjects = ['a', 'a.b', 'b', 'c']
        const live: [number, LocalSubscription][] = []
        for (const { isGone, looks, pattern, thread, ...how } of changes) {
          const gone = isGone ? live.shift() : undefined
          if (gone !== undefined) world.thread(gone[0]).unsubscribe(gone[1])
          else live.push([thread, world.thread(thread).subscribe(pattern, how)])
          if (looks) for (const subject of subjects) routes.route(subject)
        }
        const fresh = new RouteTable(world.region, outbox, dictionary)
        for (const subject of subjects) {
          expect(shape(routes.route(subject))).toEqual(shape(fresh.route(subject)))
        }
      }),
    )
  })

  test('begins with another member for each subject that is new to a group', () => {
    const world = new World(3)
    for (const thread of [1, 2]) world.thread(thread).subscribe('a.*', { queue: 'q' })
    const { sender } = world.thread(0)
    for (let n = 0; n < 10; n++) sender.publish(`a.${n}`, n, 0)
    world.settle()
    expect([1, 2].map((thread) => world.thread(thread).got.length)).toEqual([5, 5])
  })

  test('gives subjects the numbers of its dictionary, and 0 when that is full', () => {
    const world = new World(1, { dictionaryBytes: 512 })
    const { routes } = world.thread(0)
    expect(routes.route('a').subjectId).toBe(1)
    expect(routes.route('b').subjectId).toBe(2)
    for (let i = 0; i < 60; i++) routes.route(`subject.${i}`)
    expect(routes.route('yet.another').subjectId).toBe(0)
    expect(routes.route('a').subjectId).toBe(1)
  })

  test('forgets idle routes when it has too many, but none with messages that wait', () => {
    const world = new World(1, { dictionaryBytes: 4096 })
    const { routes } = world.thread(0)
    const idle = routes.route('idle')
    const busy = routes.route('busy')
    busy.parked.push({} as never, 0)
    for (let i = 0; i < ROUTES_CACHED_MAX; i++) routes.route(`s.${i}`)
    expect(routes.known('busy')).toBe(busy)
    expect(routes.known('idle')).not.toBe(idle)
  })

  test('keeps what is asked for again and again, however many others come', () => {
    const world = new World(1, { dictionaryBytes: 4096 })
    const { routes } = world.thread(0)
    const hot = routes.route('hot')
    let known = 0
    for (let i = 0; i < 3 * ROUTES_CACHED_MAX; i++) {
      routes.route(`s.${i}`)
      if (routes.known('hot') === hot) known++
    }
    expect(known).toBe(3 * ROUTES_CACHED_MAX)
  })
})
