import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SharedStream } from '../../../src/api/shared-stream.ts'
import type { LinesConnectOptions } from '../../../src/lines/lines-options.ts'
import { TabstreamError } from '../../../src/page/errors.ts'
import type { HubPlatform } from '../../../worker/platform.ts'
import * as lineStream from '../../../worker/source/line-stream.ts'
import type { Agent } from '../../sim/world/agent.ts'
import { enter } from '../current-page.ts'
import { heard, inWords, OPEN, Page, UpstreamWorld } from '../upstream.ts'

const { connectLines } = await import('../../../src/lines/connect-lines.ts')

const FRAMED: LinesConnectOptions = {
  script: 'https://dash.test/lines-source.js',
  frame: { name: '/event', id: '/id', data: '/message' },
}

type Untyped = (url: unknown, options?: unknown) => SharedStream

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Its server sends lines. */
class LinesWorld extends UpstreamWorld {
  constructor() {
    super()
    this.upstream.answer = () => ({ headers: { 'Content-Type': 'application/x-ndjson' } })
  }

  override hubPlatform(agent: Agent): HubPlatform {
    return { ...super.hubPlatform(agent), load: async () => lineStream }
  }
}

/** What `connectLines()` returns in a page of its own. */
function open(
  world: UpstreamWorld,
  name: string,
  options: object = {},
  url: unknown = '/json',
): SharedStream {
  enter(new Page(world, name).client)
  return (connectLines as Untyped)(url, { ...FRAMED, ...options })
}

describe('a stream of lines', () => {
  test('is shared by pages that ask for the same, and its lines are events', async () => {
    const world = new LinesWorld()
    const words = ['one', 'other'].map((name) => heard(open(world, name), 'a'))
    await world.clock.advance(OPEN)
    world.upstream.write('{"event":"a","id":1,"message":"x"}\n')
    await world.clock.advance(OPEN)
    expect(words).toEqual([['a x'], ['a x']])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test.each([
    ['another format', { format: 'lines', frame: undefined }, 2],
    ['the usual format, said', { format: 'ndjson' }, 1],
    ['another frame', { frame: {} }, 2],
    ['another way to resume', { resume: { query: 'since' } }, 2],
    ['other heartbeats', { heartbeat: ['a'] }, 2],
    ['another body', { method: 'POST', body: {} }, 2],
  ])('and %s', async (_, other, connections) => {
    const world = new LinesWorld()
    open(world, 'one')
    open(world, 'other', other)
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(connections)
  })

  test('begins and resumes with the request that the page says', async () => {
    const world = new LinesWorld()
    const resume = { query: 'since', method: 'GET', url: '/later' }
    open(world, 'one', { method: 'POST', body: { a: 1 }, headers: { x: 'y' }, resume })
    await world.clock.advance(OPEN)
    world.upstream.write('{"id":1}\n{"id":2}\n')
    await world.clock.advance(OPEN)
    world.upstream.cut(new TypeError('network error'))
    await world.clock.advance(3_000)
    expect(world.upstream.requests).toMatchObject([
      { url: 'https://dash.test/json', method: 'POST', body: '{"a":1}', headers: { x: 'y' } },
      { url: 'https://dash.test/later?since=1', method: 'GET', body: undefined, headers: { x: 'y' } },
    ])
  })

  test.each([
    [{}, ['a 1', 'a 2']],
    [{ resume: 'none' }, ['a 1', 'a 2']],
    [{ frame: { name: '/event' } }, ['a {"event":"a","id":1}', 'gap unresumable', 'a {"event":"a","id":2}']],
  ])('tells a gap where nothing says where to resume: %j', async (options, expected) => {
    const world = new LinesWorld()
    const stream = open(world, 'one', { frame: { name: '/event', id: '/id', data: '/id' }, ...options })
    const words = heard(stream, 'a')
    stream.onGap(({ reason }) => words.push(`gap ${reason}`))
    await world.clock.advance(OPEN)
    world.upstream.write('{"event":"a","id":1}\n')
    await world.clock.advance(OPEN)
    world.upstream.cut(new TypeError('network error'))
    await world.clock.advance(3_000)
    world.upstream.write('{"event":"a","id":2}\n')
    await world.clock.advance(3_000)
    expect(words).toEqual(expected)
  })

  test('asks a function for each address', async () => {
    const world = new LinesWorld()
    let tickets = 0
    open(world, 'one', { key: 'a user' }, () => `/json?ticket=${++tickets}`)
    await world.clock.advance(OPEN)
    world.upstream.cut()
    await world.clock.advance(3_000)
    expect(world.upstream.requests.map(({ url }) => url)).toEqual([
      'https://dash.test/json?ticket=1',
      'https://dash.test/json?ticket=2',
    ])
  })

  test('says what the server has answered in its place', async () => {
    const world = new LinesWorld()
    world.upstream.answer = () => ({ headers: { 'Content-Type': 'text/html' }, text: 'Log in' })
    const stream = open(world, 'one', { retry: false })
    await world.clock.advance(3_000)
    expect(inWords(stream.status)).toBe('closed: the server answered with content type "text/html"')
    expect(stream.status.error?.body).toBe('Log in')
  })
})

describe('an option that makes no sense', () => {
  test.each([
    ['options', null],
    ['format', { format: 'xml' }],
    ['frame', { frame: { id: 'id' } }],
    ['frame', { frame: { type: '/type' } }],
    ['frame', { format: 'lines' }],
    ['heartbeat', { heartbeat: 'ping' }],
    ['resume.query', { resume: { query: '' } }],
    ['resume', { resume: 'header' }],
    ['resume', { resume: { query: 'since', header: 'x' } }],
    ['retries', { retries: 5 }],
  ])('%s: %j', (name, options) => {
    const world = new LinesWorld()
    enter(new Page(world, 'one').client)
    const call = () => (connectLines as Untyped)('/json', options && { ...FRAMED, ...options })
    expect(call).toThrow(TabstreamError)
    expect(call).toThrow(name)
  })
})
