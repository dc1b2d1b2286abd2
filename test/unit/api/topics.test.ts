import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TabstreamError } from '../../../src/page/errors.ts'
import { centrifugo, mercure, nchan, ntfy, pushpin, wikimedia } from '../../../src/topics/engines.ts'
import type { SharedTopics } from '../../../src/topics/shared-topics.ts'
import type { VirtualServer } from '../../sim/world/server.ts'
import { TOPICS_SOURCE } from '../../sim/world/topics.ts'
import { World } from '../../sim/world/world.ts'
import { enter } from '../current-page.ts'
import { heard, OPEN, Page } from '../upstream.ts'

const { connectTopics } = await import('../../../src/topics/connect-topics.ts')

type Untyped = (url: unknown, options?: unknown) => SharedTopics

const OPTIONS = { engine: { topic: 'event' }, script: TOPICS_SOURCE.script }

/** Long enough for a connection with other topics. */
const CHANGED = 500

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

const createWorld = () => new World({ kinds: ['strict'], random: () => 0 })

const serverOf = ({ servers }: World) => servers[0] as VirtualServer

const topicsOf = (world: World) => [...(serverOf(world).allConnections.at(-1)?.topics ?? [])]

/** What `connectTopics()` returns in a page of its own. */
function open(world: World, name: string, options: object = {}, url: unknown = '/0'): SharedTopics {
  enter(new Page(world, name).client)
  return (connectTopics as Untyped)(url, { ...OPTIONS, ...options })
}

describe('a stream of topics', () => {
  test('is shared by pages that listen to different ones', async () => {
    const world = createWorld()
    const one = heard(open(world, 'one'), 'a')
    const other = heard(open(world, 'other'), 'b')
    await world.clock.advance(CHANGED)
    expect(topicsOf(world)).toEqual(['a', 'b'])
    for (const name of ['a', 'b', 'a']) serverOf(world).send(name)
    await world.clock.advance(CHANGED)
    expect(one).toHaveLength(2)
    expect(other).toHaveLength(1)
    expect(serverOf(world).connections).toBe(1)
  })

  test.each<[string, object, string, number]>([
    ['another engine', { engine: { topic: 'event', separator: ',' } }, '/0', 2],
    ['the same engine in another order', { engine: { heartbeats: ['h'], topic: 'event' } }, '/0', 1],
    ['another key', { key: 'b' }, '/0', 2],
    ['another address', {}, '/0?x', 2],
  ])('and %s', async (_, options, url, connections) => {
    const world = createWorld()
    const usual = { key: 'a', engine: { topic: 'event', heartbeats: ['h'] } }
    open(world, 'one', usual).on('a', () => {})
    open(world, 'other', { ...usual, ...options }, url).on('a', () => {})
    await world.clock.advance(OPEN)
    expect(serverOf(world).connections).toBe(connections)
  })
})

describe('a topic is ready', () => {
  test('when the server has been asked for it', async () => {
    const world = createWorld()
    const stream = open(world, 'one')
    stream.on('a', () => {})
    let isReady = false
    const ready = stream.ready('a').then(() => {
      isReady = true
    })
    expect(isReady).toBe(false)
    await world.clock.advance(OPEN)
    await ready
    expect(topicsOf(world)).toEqual(['a'])
  })

  test('never where the stream has been closed', async () => {
    const world = createWorld()
    const stream = open(world, 'one')
    stream.on('a', () => {})
    stream.close()
    await expect(stream.ready('a')).rejects.toMatchObject({ type: 'stream-ended' })
  })

  test.each<[string, (stream: SharedTopics) => () => unknown]>([
    ['listener is taken off', (stream) => stream.on('a', () => {})],
    [
      'signal is aborted',
      (stream) => {
        const control = new AbortController()
        stream.on('a', () => {}, { signal: control.signal })
        return () => control.abort()
      },
    ],
    [
      'loop is left',
      (stream) => {
        const events = stream.events('a')
        return () => events.return?.()
      },
    ],
  ])('never where the last %s before', async (_, listen) => {
    const world = createWorld()
    const stream = open(world, 'one')
    stream.on('b', () => {})
    stream.on('a', () => {})()
    const leave = listen(stream)
    const ready = stream.ready('a').catch((error: DOMException) => error.name)
    leave()
    await world.clock.advance(CHANGED)
    expect(await ready).toBe('AbortError')
  })

  test('only if somebody listens to it', async () => {
    const stream = open(createWorld(), 'one')
    await expect(stream.ready('a')).rejects.toThrow('call on() first')
    expect(() => stream.events('b')).not.toThrow()
  })
})

describe('a mistake is told at once', () => {
  test.each<[string, object, string]>([
    ['no engine', { engine: undefined }, 'engine must be an object such as mercure()'],
    ['an unknown part', { engine: { topics: 'a' } }, 'an engine has no topics'],
    ['no pointer', { engine: { topic: 'a' } }, 'engine.topic must be a JSON Pointer or "event"'],
    [
      'unknown positions',
      { engine: { positions: 'pulsar' } },
      'engine.positions must be "eventstream", "nchan" or "kafka"',
    ],
    ['no pointer for the ID', { engine: { id: 'a' } }, 'engine.id must be a JSON Pointer'],
    ['no list', { engine: { gaps: 'a' } }, 'engine.gaps must be a list of names of events'],
    ['another protocol', { engine: { protocol: 'mqtt' } }, 'engine.protocol must be "centrifugo"'],
    ['an empty name', { engine: { parameter: '' } }, 'engine.parameter must be a text'],
    ['what the engine says', { resume: 'none' }, 'topics have no resume; the engine says how to resume'],
    ['a snapshot', { since: '7' }, 'topics have no since'],
  ])('%s', (_, options, message) => {
    const call = () => open(createWorld(), 'one', options)
    expect(call).toThrow(TabstreamError)
    expect(call).toThrow(message)
  })

  test('a function for the URL', () => {
    expect(() => open(createWorld(), 'one', {}, () => '/0')).toThrow('topics have no function for the URL')
  })
})

test('engines name only what an engine has', () => {
  const proxied = centrifugo({ proxied: true })
  const others = [nchan(), ntfy(), pushpin({ topic: 'event' }), wikimedia()]
  for (const engine of [mercure({ topic: '/@id' }), centrifugo(), proxied, ...others])
    expect(() => open(createWorld(), 'one', { engine })).not.toThrow()
})
