import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { Gap } from '../../../src/api/shared-stream.ts'
import { heard, OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// The options by which a page says what a server does, where no rule can know.

/** A reconnection has been made by then. */
const RETRY = 1_100

function opening(options: ConnectOptions, world = new UpstreamWorld(), name = 'page') {
  const page = new Page(world, name)
  const stream = page.connect(URL_OF_EVENTS, options as object)
  const words = heard(stream, '*')
  const gaps: Gap[] = []
  stream.onGap((gap) => gaps.push(gap))
  const send = async (text: string, wait = 0) => {
    world.upstream.write(text)
    await world.clock.advance(wait)
  }
  const cut = async () => {
    world.upstream.cut()
    await world.clock.advance(RETRY)
  }
  const kill = async () => {
    world.workers().at(-1)?.agent.kill()
    await world.clock.advance(1_000)
  }
  const lastAsked = () => world.upstream.requests.at(-1)?.headers['Last-Event-ID']
  return { world, page, stream, words, gaps, send, cut, kill, lastAsked }
}

const events = (...ids: number[]) => ids.map((id) => `id: ${id}\ndata: ${id}\n\n`).join('')
const messages = (...ids: number[]) => ids.map((id) => `message ${id}`)

describe('an event that the page names as ephemeral', () => {
  const ERROR = 'event: stream-error\nid: error\ndata: {}\n\n'
  const named = { ephemeral: ['stream-error'] }

  test('is given each time, and nothing is resumed after its ID, as with django-eventstream', async () => {
    const { words, gaps, send, cut, lastAsked } = opening(named)
    await opened(send)
    await send(events(1, 2) + ERROR)
    await cut()
    expect(lastAsked()).toBe('1')
    await send(ERROR + events(2, 3))
    await send(ERROR)
    const error = 'stream-error {}'
    expect(words).toEqual([...messages(1, 2), error, error, 'message 3', error])
    expect(gaps).toEqual([])
  })

  test('is resumed after where it is not named', async () => {
    const { send, cut, lastAsked } = opening({})
    await opened(send)
    await send(events(1, 2) + ERROR)
    await cut()
    expect(lastAsked()).toBe('2')
    await send(ERROR + events(3))
    await cut()
    expect(lastAsked()).toBe('error')
  })

  test('is no loss where the hub dies and one tab has had it', async () => {
    const world = new UpstreamWorld()
    const one = opening(named, world)
    const other = opening(named, world, 'other')
    await opened(one.send)
    await one.send(events(1, 2) + ERROR)
    await one.kill()
    await one.send(events(2, 3), RETRY)
    for (const { words, gaps } of [one, other]) {
      expect(words).toEqual([...messages(1, 2), 'stream-error {}', 'message 3'])
      expect(gaps).toEqual([])
    }
  })

  test('is asked of by any page that shares the stream', async () => {
    const world = new UpstreamWorld()
    const plain = opening({}, world)
    opening(named, world, 'other')
    await opened(plain.send)
    await plain.send(events(1, 2) + ERROR)
    await plain.cut()
    expect(plain.lastAsked()).toBe('1')
  })

  test('says nothing of where a stream begins, if nothing else has come', async () => {
    const { gaps, send, cut, lastAsked } = opening(named)
    await opened(send)
    await send(ERROR)
    await cut()
    expect(lastAsked()).toBeUndefined()
    expect(gaps).toMatchObject([{ reason: 'unresumable' }])
  })
})

describe('an event by which the server says that history is gone', () => {
  const RESET = 'event: stream-reset\nid: 9\ndata: {}\n\n'
  const named = { gapEvents: ['stream-reset'] }

  test('has a gap before it, at once, and what follows is new', async () => {
    const { words, gaps, send, cut } = opening(named)
    await opened(send)
    await send(events(1, 2))
    await cut()
    await send(RESET + events(2, 3))
    expect(words).toEqual([...messages(1, 2), 'stream-reset {}', ...messages(2, 3)])
    expect(gaps).toEqual([{ reason: 'history-lost', before: '2', after: '9' }])
  })

  test('has one in the midst of a connection, too', async () => {
    const { gaps, send } = opening(named)
    await opened(send)
    await send(events(1, 2) + RESET)
    expect(gaps).toEqual([{ reason: 'history-lost', before: '2', after: '9' }])
  })

  test('is what is resumed after, not what lies before it', async () => {
    const { words, gaps, send, cut, lastAsked } = opening(named)
    await opened(send)
    await send(events(1, 2) + RESET)
    await cut()
    expect(lastAsked()).toBe('9')
    await send(events(10))
    expect(words.slice(3)).toEqual(messages(10))
    expect(gaps).toHaveLength(1)
  })

  test('is resumed after by the next hub, too', async () => {
    const { words, gaps, send, kill, lastAsked } = opening(named)
    await opened(send)
    await send(events(1, 2) + RESET)
    await kill()
    expect(lastAsked()).toBe('9')
    await send(events(10))
    expect(words.slice(3)).toEqual(messages(10))
    expect(gaps).toHaveLength(1)
  })

  test('is an event like others where it is not named', async () => {
    const { gaps, send } = opening({})
    await opened(send)
    await send(events(1, 2) + RESET)
    expect(gaps).toEqual([])
  })
})

describe('an event that is identified by its data', () => {
  const identified = { identify: '/meta/id' }
  const change = (id: string, key: number, more = '') => `id: ${id}\ndata: {"meta":{"id":${key}}${more}}\n\n`
  const data = (key: number, more = '') => `message {"meta":{"id":${key}}${more}}`

  test('is known under another ID, as with a cluster of CouchDB', async () => {
    const { words, gaps, send, cut } = opening(identified)
    await opened(send)
    await send(change('1-a', 1) + change('2-a', 2))
    await cut()
    await send(change('2-b', 2) + change('3-b', 3))
    expect(words).toEqual([data(1), data(2), data(3)])
    expect(gaps).toEqual([])
  })

  test('is known with other data', async () => {
    const { words, gaps, send, cut } = opening(identified)
    await opened(send)
    await send(change('1', 1) + change('2', 2))
    await cut()
    await send(change('2', 2, ',"replayed":true') + change('3', 3))
    expect(words).toEqual([data(1), data(2), data(3)])
    expect(gaps).toEqual([])
  })

  test('is known to the next hub', async () => {
    const { words, gaps, send, kill } = opening(identified)
    await opened(send)
    await send(change('1-a', 1) + change('2-a', 2))
    await kill()
    await send(change('2-b', 2) + change('3-b', 3))
    expect(words).toEqual([data(1), data(2), data(3)])
    expect(gaps).toEqual([])
  })

  test('is not the same as one of another name', async () => {
    const { words, send, cut } = opening(identified)
    await opened(send)
    await send(change('1', 1) + change('2', 2))
    await cut()
    await send(`event: other\n${change('9', 2)}${change('2', 2)}`)
    expect(words.filter((word) => word.startsWith('other'))).toHaveLength(1)
  })

  test('is unknown under another ID where nothing is said', async () => {
    const { words, gaps, send, cut } = opening({})
    await opened(send)
    await send(change('1-a', 1) + change('2-a', 2))
    await cut()
    await send(change('2-b', 2) + change('3-b', 3), RETRY)
    expect(words).toEqual([data(1), data(2), data(2), data(3)])
    expect(gaps).toHaveLength(1)
  })

  test('is known by its ID and its data where these say nothing else', async () => {
    const { words, gaps, send, cut } = opening(identified)
    await opened(send)
    const long = JSON.stringify({ meta: { id: 'x'.repeat(1_000) } })
    const odd = ['no JSON', '5', 'null', '{"meta":5}', '[]', '{"meta":{}}', '{"meta":{"id":1}', long]
    const all = odd.map((text, index) => `id: ${index}\ndata: ${text}\n\n`)
    await send(all.join(''))
    await cut()
    await send(`${all.at(-1)}id: 99\ndata: new\n\n`)
    expect(words).toEqual([...odd, 'new'].map((text) => `message ${text}`))
    expect(gaps).toEqual([])
  })
})

async function opened(send: (text: string, wait?: number) => Promise<void>): Promise<void> {
  await send('', OPEN)
}

test.each([
  { ephemeral: 'error' },
  { ephemeral: [5] },
  { gapEvents: null },
  { gapEvents: { reset: true } },
  { identify: 'id' },
  { identify: '/a~2' },
  { identify: 5 },
])('complains of %j', (options) => {
  const name = Object.keys(options)[0] as string
  expect(() => opening(options as never)).toThrow(expect.objectContaining({ type: 'configuration' }))
  expect(() => opening(options as never)).toThrow(name)
})
