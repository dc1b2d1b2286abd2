import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { Gap, SharedStream } from '../../../src/api/shared-stream.ts'
import { type Asked, heard, OPEN, Page, type Upstream, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// The option `since`: a page that has a snapshot begins behind its ID.

const LAST = 'Last-Event-ID'

const event = (id: number): string => `id: ${id}\ndata: ${id}\n\n`

const events = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => event(from + index)).join('')

const messages = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`)

/** What a server can do instead of leading up to the log. */
const REFUSALS: readonly (readonly [string, Upstream['answer']])[] = [
  ['brings nothing', () => undefined],
  ['does not answer', () => ({ isMissing: true })],
  ['refuses', () => ({ status: 503 })],
  ['cannot be reached', () => new Error('offline')],
  ['ends the answer', () => ({ text: events(2, 3), ends: true })],
  ['begins with something else, and does not lead up to the log', () => ({ text: events(20, 23) })],
  ['says that it resumes from elsewhere', () => ({ text: events(3, 6), headers: { [LAST]: '2' } })],
]

/** Answers with what follows on the ID that is asked for, as far as it has come. */
class Resuming {
  last: number
  /** Nothing older is kept. */
  first = 1

  constructor(world: UpstreamWorld, last: number) {
    this.last = last
    world.upstream.answer = (asked) => ({ text: this.after(asked) })
  }

  after({ headers }: Asked): string {
    const id = headers[LAST]
    return id === undefined ? '' : events(Math.max(this.first, Number(id) + 1), this.last)
  }

  /** To all connections. */
  send(world: UpstreamWorld, count = 1): void {
    world.upstream.write(events(this.last + 1, this.last + count))
    this.last += count
  }
}

interface Opened {
  readonly page: Page
  readonly stream: SharedStream
  readonly words: string[]
  readonly gaps: Gap[]
  readonly states: string[]
}

function open(world: UpstreamWorld, name: string, options: ConnectOptions = {}): Opened {
  const page = new Page(world, name)
  const stream = page.connect(URL_OF_EVENTS, options as object)
  const gaps: Gap[] = []
  const states: string[] = []
  stream.onGap((gap) => gaps.push(gap))
  stream.onStatus(({ state }) => states.push(state))
  return { page, stream, words: heard(stream, '*'), gaps, states }
}

/** A world with a server that has sent so many events, the last `live` of them to a first page. */
async function shared(last: number, live: number, options: ConnectOptions = {}, world = new UpstreamWorld()) {
  const server = new Resuming(world, last - live)
  const first = open(world, 'first', options)
  await world.clock.advance(OPEN)
  server.send(world, live)
  await world.clock.advance(0)
  return { world, server, first }
}

/** What `Last-Event-ID` has named so far, request by request. */
const asked = (world: UpstreamWorld) => world.upstream.requests.map(({ headers }) => headers[LAST])

/** Neither the first page nor the server notice anything that lasts. */
async function expectUndisturbed(world: UpstreamWorld, first: Opened, words: string[]) {
  await world.clock.advance(2_000)
  expect(first).toMatchObject({ words, gaps: [] })
  expect(first.states.slice(first.states.indexOf('open'))).toEqual(['open'])
  expect(world.upstream.open.size).toBe(1)
  expect(world.report().streams).toMatchObject([{ connections: 1, state: 'open' }])
}

describe('the first page of a stream', () => {
  test('has the server resume after the ID', async () => {
    const world = new UpstreamWorld()
    const server = new Resuming(world, 5)
    const { words, gaps } = open(world, 'page', { since: '2' })
    await world.clock.advance(OPEN)
    server.send(world)
    await world.clock.advance(2_000)
    expect(asked(world)).toEqual(['2'])
    expect(words).toEqual(messages(3, 6))
    expect(gaps).toEqual([])
  })

  test('asks for the same again as long as nothing has come', async () => {
    const world = new UpstreamWorld()
    const server = new Resuming(world, 2)
    const { words, gaps } = open(world, 'page', { since: '2' })
    await world.clock.advance(OPEN)
    server.last = 4
    world.upstream.cut()
    await world.clock.advance(2_000)
    expect(asked(world)).toEqual(['2', '2'])
    expect(words).toEqual(messages(3, 4))
    expect(gaps).toEqual([])
  })

  test('has what follows proven by the ID after a cut', async () => {
    const world = new UpstreamWorld()
    const server = new Resuming(world, 3)
    const { words, gaps } = open(world, 'page', { since: '2' })
    await world.clock.advance(OPEN)
    server.last = 4
    world.upstream.cut()
    await world.clock.advance(3_000)
    expect(asked(world)).toEqual(['2', '2'])
    expect(words).toEqual(messages(3, 4))
    expect(gaps).toEqual([])
  })

  test('begins there at the next hub, too, if it has had nothing yet', async () => {
    const world = new UpstreamWorld()
    const server = new Resuming(world, 2)
    const { words, gaps } = open(world, 'page', { since: '2' })
    await world.clock.advance(OPEN)
    server.last = 4
    world.workers()[0]?.agent.kill()
    await world.clock.advance(2_000)
    expect(asked(world)).toEqual(['2', '2'])
    expect(words).toEqual(messages(3, 4))
    expect(gaps).toEqual([])
  })

  test('goes on where it stands at the next hub', async () => {
    const world = new UpstreamWorld()
    const server = new Resuming(world, 5)
    const { words, gaps } = open(world, 'page', { since: '2' })
    await world.clock.advance(OPEN)
    server.last = 7
    world.workers()[0]?.agent.kill()
    await world.clock.advance(2_000)
    expect(asked(world)).toEqual(['2', '4'])
    expect(words).toEqual(messages(3, 7))
    expect(gaps).toEqual([])
  })

  test('is not given the event of the ID itself, where the server repeats it', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = ({ headers }) => ({ text: events(Number(headers[LAST]), 4) })
    const { words, gaps } = open(world, 'page', { since: '2' })
    await world.clock.advance(OPEN)
    world.upstream.cut()
    await world.clock.advance(3_000)
    expect(words).toEqual(messages(3, 4))
    expect(gaps).toEqual([])
  })

  test('makes the request that resumes, where that is another', async () => {
    const world = new UpstreamWorld()
    new Resuming(world, 5)
    open(world, 'page', { since: '2', method: 'POST', body: 'ask', resume: { method: 'GET' } })
    await world.clock.advance(OPEN)
    expect(world.upstream.requests.map(({ method, headers }) => [method, headers[LAST]])).toEqual([
      ['GET', '2'],
    ])
  })

  test('is told of a gap where the server says that it resumes from elsewhere', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = () => ({ text: events(5, 6), headers: { [LAST]: '4' } })
    const { words, gaps } = open(world, 'page', { since: '2' })
    await world.clock.advance(2_000)
    expect(gaps).toEqual([{ reason: 'history-lost', before: '2', after: '5' }])
    expect(words).toEqual(messages(5, 6))
  })

  test('is told of a gap at once where the server never resumes, which is not asked to', async () => {
    const world = new UpstreamWorld()
    const { words, gaps } = open(world, 'page', { since: '2', resume: 'none' })
    await world.clock.advance(OPEN)
    world.upstream.write(event(5))
    await world.clock.advance(0)
    expect(asked(world)).toEqual([undefined])
    expect(gaps).toEqual([{ reason: 'unresumable', before: '2', after: '' }])
    expect(words).toEqual(messages(5, 5))
  })

  test('shares the connection with one that comes at once with the same ID', async () => {
    const world = new UpstreamWorld()
    const server = new Resuming(world, 5)
    const one = open(world, 'one', { since: '2' })
    const other = open(world, 'other', { since: '2' })
    await world.clock.advance(OPEN)
    server.send(world)
    await world.clock.advance(2_000)
    expect(asked(world)).toEqual(['2'])
    for (const { words, gaps } of [one, other])
      expect({ words, gaps }).toEqual({ words: messages(3, 6), gaps: [] })
  })

  test('gives way to those of a dead hub', async () => {
    const { world, server, first } = await shared(6, 3)
    const worker = world.workers()[0]
    server.last = 8
    worker?.agent.kill()
    const late = open(world, 'late', { since: '6' })
    await world.clock.advance(5_000)
    server.send(world)
    await world.clock.advance(2_000)
    expect(first).toMatchObject({ words: messages(4, 9), gaps: [] })
    expect(late.gaps.length > 0 || late.words.join() === messages(7, 9).join()).toBe(true)
    expect(world.upstream.open.size).toBe(1)
  })
})

describe('a page that comes to a stream whose log reaches back to the ID', () => {
  test.each([
    ['within the log', '4', messages(5, 6)],
    ['the last one', '6', []],
    ['the last one before the log, as another page has it', '2', messages(3, 6)],
  ])('is given what follows, and nobody is asked: %s', async (_where, since, expected) => {
    const { world, server, first } = await shared(6, 4, { since: '2' })
    const late = open(world, 'late', { since, replay: 'all' })
    await world.clock.advance(OPEN)
    server.send(world)
    await world.clock.advance(0)
    expect(late).toMatchObject({ words: [...expected, 'message 7'], gaps: [] })
    expect(new Set(late.states)).toEqual(new Set(['open']))
    expect(asked(world)).toEqual(['2'])
    await expectUndisturbed(world, first, messages(3, 7))
  })

  test('is given what came behind the ID without one of its own', async () => {
    const { world } = await shared(6, 3)
    world.upstream.write('data: more\n\n')
    await world.clock.advance(0)
    const late = open(world, 'late', { since: '6' })
    await world.clock.advance(OPEN)
    expect(late).toMatchObject({ words: ['message more'], gaps: [] })
  })

  test('is told of a gap that lies behind the ID', async () => {
    const { world, server } = await shared(6, 3)
    world.upstream.answer = () => undefined
    world.upstream.cut()
    await world.clock.advance(2_000)
    server.last = 8
    server.send(world)
    await world.clock.advance(2_000)
    const late = open(world, 'late', { since: '5' })
    await world.clock.advance(OPEN)
    expect(late.words).toEqual(['message 6', 'message 9'])
    expect(late.gaps).toMatchObject([{ reason: 'history-lost', before: '6', after: '9' }])
  })

  test('is given what came behind an ID that came without an event', async () => {
    const { world, server, first } = await shared(6, 3)
    world.upstream.write('id: 9\n\n')
    await world.clock.advance(0)
    const late = open(world, 'late', { since: '9' })
    await world.clock.advance(OPEN)
    server.last = 9
    server.send(world)
    await world.clock.advance(0)
    expect(late).toMatchObject({ words: messages(10, 10), gaps: [] })
    await expectUndisturbed(world, first, [...messages(4, 6), 'message 10'])
    expect(asked(world)).toEqual([undefined])
  })

  test('is given it with the names that it has when it is given them', async () => {
    const { world } = await shared(6, 4)
    const page = new Page(world, 'late')
    const stream = page.connect(URL_OF_EVENTS, { since: '4' })
    const words = heard(stream, 'other')
    await Promise.resolve()
    stream.on('message', ({ data }) => words.push(`message ${data}`))
    await world.clock.advance(OPEN)
    expect(words).toEqual(messages(5, 6))
  })

  test('is given it in loops that it opens at once', async () => {
    const { world } = await shared(6, 4)
    const page = new Page(world, 'late')
    const stream = page.connect(URL_OF_EVENTS, { since: '4' })
    const words: string[] = []
    const read = async () => {
      for await (const { data } of stream.events('message')) words.push(`message ${data}`)
    }
    void read()
    await world.clock.advance(OPEN)
    expect(words).toEqual(messages(5, 6))
    void read()
    await world.clock.advance(OPEN)
    expect(words).toEqual(messages(5, 6))
    expect(asked(world)).toEqual([undefined])
  })

  test('is given nothing of a former user', async () => {
    const { world, first } = await shared(6, 3)
    first.stream.close()
    await world.clock.advance(500)
    const late = open(world, 'late', { since: '4' })
    await world.clock.advance(OPEN)
    // A connection of its own.
    expect(asked(world)).toEqual([undefined, '4'])
    expect(late).toMatchObject({ words: messages(5, 6), gaps: [] })
  })
})

describe('a page that comes to a stream whose log does not reach back to the ID', () => {
  test('is given what lies between by a connection of its own, which then ends', async () => {
    const { world, server, first } = await shared(6, 3)
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(OPEN)
    expect(asked(world)).toEqual([undefined, '1'])
    expect(world.upstream.open.size).toBe(1)
    server.send(world)
    await world.clock.advance(0)
    expect(late).toMatchObject({ words: messages(2, 7), gaps: [] })
    await expectUndisturbed(world, first, messages(4, 7))
  })

  test('is given what lies between once, while more comes', async () => {
    const { world, server, first } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(OPEN)
    const isBridge = ({ headers }: Asked) => headers[LAST] !== undefined
    const toFirst = (id: number) => world.upstream.write(event(id), (asked) => !isBridge(asked))
    toFirst(7)
    await world.clock.advance(0)
    world.upstream.write(events(2, 3), isBridge)
    await world.clock.advance(900)
    toFirst(8)
    await world.clock.advance(0)
    expect(late.words).toEqual([])
    world.upstream.write(events(4, 7), isBridge)
    await world.clock.advance(0)
    server.last = 8
    server.send(world)
    await world.clock.advance(0)
    expect(late).toMatchObject({ words: messages(2, 9), gaps: [] })
    await expectUndisturbed(world, first, messages(4, 9))
  })

  test('is not given what the page has already, where the server repeats it', async () => {
    const { world, first } = await shared(6, 3)
    world.upstream.answer = () => ({ text: events(1, 6) })
    const late = open(world, 'late', { since: '2' })
    await world.clock.advance(OPEN)
    expect(late).toMatchObject({ words: messages(3, 6), gaps: [] })
    await expectUndisturbed(world, first, messages(4, 6))
  })

  test('does not take a greeting for the log', async () => {
    const world = new UpstreamWorld()
    const server = new Resuming(world, 3)
    world.upstream.answer = (asked) => ({ text: `id: 0\ndata: hello\n\n${server.after(asked)}` })
    const first = open(world, 'first')
    await world.clock.advance(OPEN)
    server.send(world, 3)
    await world.clock.advance(0)
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(OPEN)
    expect(late).toMatchObject({ words: ['message hello', ...messages(2, 6)], gaps: [] })
    await expectUndisturbed(world, first, ['message hello', ...messages(4, 6)])
  })

  test('does not take a heartbeat for the log', async () => {
    const ephemeral = ['beat']
    const { world, server, first } = await shared(6, 3, { ephemeral })
    const beat = 'event: beat\nid: beat\ndata: beat\n\n'
    world.upstream.write(beat)
    world.upstream.answer = (asked) => ({ text: beat + server.after(asked) })
    const late = open(world, 'late', { since: '1', ephemeral })
    await world.clock.advance(OPEN)
    // One of each connection.
    expect(late).toMatchObject({ words: ['beat beat', ...messages(2, 6), 'beat beat'], gaps: [] })
    await expectUndisturbed(world, first, [...messages(4, 6), 'beat beat'])
  })

  test('is given the event that the other connection began with', async () => {
    const { world, server, first } = await shared(6, 0)
    world.upstream.write(event(7))
    server.last = 7
    await world.clock.advance(0)
    server.send(world)
    await world.clock.advance(0)
    const late = open(world, 'late', { since: '6' })
    await world.clock.advance(OPEN)
    expect(late).toMatchObject({ words: messages(7, 8), gaps: [] })
    await expectUndisturbed(world, first, messages(7, 8))
  })

  test('goes on from the log if that gets the ID meanwhile', async () => {
    const { world, server, first } = await shared(6, 3)
    const late = open(world, 'late', { since: '8' })
    await world.clock.advance(OPEN)
    server.send(world, 4)
    await world.clock.advance(0)
    expect(late).toMatchObject({ words: messages(9, 10), gaps: [] })
    await expectUndisturbed(world, first, messages(4, 10))
  })

  test('is given what a log that was empty gets as well', async () => {
    const { world, server, first } = await shared(6, 0)
    const late = open(world, 'late', { since: '3' })
    await world.clock.advance(OPEN)
    server.send(world, 2)
    await world.clock.advance(0)
    expect(late).toMatchObject({ words: messages(4, 8), gaps: [] })
    await expectUndisturbed(world, first, messages(7, 8))
  })

  test('shares that connection with another, and with its loops', async () => {
    const { world, server, first } = await shared(6, 3)
    const one = open(world, 'one', { since: '1' })
    const looped: string[] = []
    const read = async () => {
      for await (const { data } of one.stream.events('message')) looped.push(`message ${data}`)
    }
    void read()
    const other = open(world, 'other', { since: '1' })
    await world.clock.advance(OPEN)
    server.send(world)
    await world.clock.advance(0)
    expect(asked(world)).toEqual([undefined, '1'])
    expect([one.words, other.words, looped]).toEqual([messages(2, 7), messages(2, 7), messages(2, 7)])
    await expectUndisturbed(world, first, messages(4, 7))
  })

  test('may change its names meanwhile', async () => {
    const { world, first } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const page = new Page(world, 'late')
    const stream = page.connect(URL_OF_EVENTS, { since: '1' })
    const words = heard(stream, 'other')
    await world.clock.advance(50)
    stream.on('message', ({ data }) => words.push(`message ${data}`))
    await world.clock.advance(50)
    world.upstream.write(events(2, 6), ({ headers }) => headers[LAST] !== undefined)
    await world.clock.advance(0)
    expect(words).toEqual(messages(2, 6))
    await expectUndisturbed(world, first, messages(4, 6))
  })

  test('goes on when the hub dies on the way', async () => {
    const { world, server, first } = await shared(6, 3)
    world.upstream.answer = () => ({ isMissing: true })
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(OPEN)
    world.upstream.answer = (asked) => ({ text: server.after(asked) })
    world.workers()[0]?.agent.kill()
    await world.clock.advance(3_000)
    server.send(world)
    await world.clock.advance(2_000)
    expect(first).toMatchObject({ words: messages(4, 7), gaps: [] })
    expect(late.gaps.length > 0 || late.words.join() === messages(2, 7).join()).toBe(true)
  })

  test('waits for the stream where that is not open, and hears how that stands', async () => {
    const { world, server, first } = await shared(6, 3)
    world.upstream.answer = () => new Error('offline')
    world.upstream.cut()
    await world.clock.advance(100)
    const late = open(world, 'late', { since: '8' })
    await world.clock.advance(20_000)
    expect(late.states.slice(0, 2)).toEqual(['retrying', 'retrying'])
    server.last = 10
    world.upstream.answer = (asked) => ({ text: server.after(asked) })
    await world.clock.advance(30_000)
    expect(late).toMatchObject({ words: messages(9, 10), gaps: [] })
    expect(late.states.at(-1)).toBe('open')
    expect(first).toMatchObject({ words: messages(4, 10), gaps: [] })
    expect(new Set(asked(world))).toEqual(new Set([undefined, '5']))
  })

  test('stays in the stream when the others leave it', async () => {
    const { world, server, first } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(50)
    first.stream.close()
    await world.clock.advance(3_000)
    server.send(world)
    await world.clock.advance(0)
    expect(late.stream.status.state).toBe('open')
    expect(late.words).toEqual(messages(7, 7))
    expect(late.gaps).toHaveLength(1)
    expect(world.upstream.open.size).toBe(1)
  })

  test('leaves nothing open when it goes on the way', async () => {
    const { world, first } = await shared(6, 3)
    world.upstream.answer = () => ({ isMissing: true })
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(50)
    late.stream.close()
    await world.clock.advance(1_100)
    await expectUndisturbed(world, first, messages(4, 6))
  })

  test('leaves nothing open when it goes after it has stood still on the way', async () => {
    const { world, first } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(50)
    late.page.agent.freeze()
    world.upstream.write(events(2, 6), ({ headers }) => headers[LAST] !== undefined)
    await world.clock.advance(0)
    first.stream.close()
    await world.clock.advance(5_000)
    expect(asked(world)).toEqual([undefined, '1'])
    expect(world.report().streams).toMatchObject([{ subscribers: 0 }])
    // The bridge has led up to the log, and needs no connection any more.
    expect(world.upstream.open.size).toBe(1)
    late.page.agent.kill()
    await world.clock.advance(3_000)
    expect(world.upstream.open.size).toBe(0)
    expect(world.report().streams).toEqual([])
  })

  test('becomes part of the stream at once when nobody else is, which is not open then', async () => {
    const { world, server, first } = await shared(6, 3)
    world.upstream.answer = () => new Error('offline')
    world.upstream.cut()
    await world.clock.advance(100)
    const late = open(world, 'late', { since: '8' })
    await world.clock.advance(50)
    first.stream.close()
    await world.clock.advance(5_000)
    world.upstream.answer = (asked) => ({ text: server.after(asked) })
    await world.clock.advance(30_000)
    expect(late.stream.status.state).toBe('open')
    expect(late.gaps).toMatchObject([{ before: '8' }])
    expect(world.upstream.open.size).toBe(1)
  })

  test('ends the stream for all, if it says so on the way', async () => {
    const { world, first } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(50)
    late.stream.end()
    await world.clock.advance(0)
    expect(first.states.at(-1)).toBe('closed')
    expect(world.upstream.open.size).toBe(0)
  })

  test('is told of a gap and of the end, if the stream ends meanwhile', async () => {
    const { world, first } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(50)
    first.stream.end()
    await world.clock.advance(0)
    expect(late.gaps).toMatchObject([{ reason: 'history-lost', before: '1' }])
    expect(late.states).toEqual(['closed'])
    expect(world.upstream.open.size).toBe(0)
  })

  test('is told of a gap and of the end, if the server ends the stream meanwhile', async () => {
    const { world } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(50)
    world.upstream.answer = () => ({ status: 204 })
    for (const { asked, end } of world.upstream.open) if (asked.headers[LAST] === undefined) end()
    await world.clock.advance(900)
    expect(late.gaps).toEqual([])
    await world.clock.advance(5_000)
    expect(late.gaps).toMatchObject([{ reason: 'history-lost', before: '1' }])
    expect(late.states.at(-1)).toBe('closed')
    expect(world.upstream.open.size).toBe(0)
  })

  test('is told of a gap at once where the server never resumes, which is not asked to', async () => {
    const { world, server, first } = await shared(6, 3, { resume: 'none' })
    const late = open(world, 'late', { since: '1', resume: 'none', replay: 1 })
    await world.clock.advance(OPEN)
    server.send(world)
    await world.clock.advance(0)
    expect(late.gaps).toEqual([{ reason: 'unresumable', before: '1', after: '' }])
    expect(late.words).toEqual(messages(6, 7))
    expect(asked(world)).toEqual([undefined])
    await expectUndisturbed(world, first, messages(4, 7))
  })

  test.each(REFUSALS)('is told of a gap, and goes on from now on: the server %s', async (_what, answer) => {
    const { world, server, first } = await shared(6, 3, { gapEvents: ['reset'] })
    world.upstream.answer = answer
    const late = open(world, 'late', { since: '1', gapEvents: ['reset'] })
    await world.clock.advance(11_000)
    server.send(world)
    await world.clock.advance(0)
    expect(late.gaps).toEqual([{ reason: 'history-lost', before: '1', after: '' }])
    expect(late.words).toEqual(messages(7, 7))
    expect(late.states).toEqual(['open'])
    await expectUndisturbed(world, first, messages(4, 7))
    expect(asked(world).filter((id) => id === '1')).toHaveLength(1)
  })

  test('is told of a gap where the server says that history is gone', async () => {
    const gapEvents = ['reset']
    const { world, first } = await shared(6, 3, { gapEvents })
    world.upstream.answer = () => ({ text: `event: reset\ndata: 1\n\n${events(4, 6)}` })
    const late = open(world, 'late', { since: '1', gapEvents })
    await world.clock.advance(OPEN)
    expect(late.gaps).toMatchObject([{ reason: 'history-lost', before: '1' }])
    expect(late.words).toEqual(['reset 1', ...messages(4, 6)])
    await expectUndisturbed(world, first, messages(4, 6))
  })

  test('is told of a gap where only what is live comes, and then given that', async () => {
    const { world, server, first } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(OPEN)
    for (let count = 0; count < 20; count++) {
      server.send(world)
      await world.clock.advance(100)
    }
    expect(late.gaps).toEqual([{ reason: 'history-lost', before: '1', after: '' }])
    expect(late.words).toEqual(messages(8, 26))
    await expectUndisturbed(world, first, messages(4, 26))
  })

  test('does not take what is live for a replay where the log was empty', async () => {
    const { world, server, first } = await shared(6, 0)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '3' })
    await world.clock.advance(OPEN)
    server.send(world, 2)
    await world.clock.advance(2_000)
    expect(late.gaps).toEqual([{ reason: 'history-lost', before: '3', after: '' }])
    server.send(world)
    await world.clock.advance(0)
    // Those that have shown it are part of what the gap tells.
    expect(late.words).toEqual(messages(9, 9))
    await expectUndisturbed(world, first, messages(7, 9))
  })

  test('is told of a gap where its names change when it has been told already', async () => {
    const { world, server } = await shared(6, 3)
    world.upstream.answer = () => undefined
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(2_000)
    late.stream.on('other', () => {})
    await world.clock.advance(OPEN)
    server.send(world)
    await world.clock.advance(0)
    expect(late.gaps).toHaveLength(1)
    expect(late.words).toEqual(messages(7, 7))
  })

  test('asks with its own headers where a function gives them', async () => {
    const options: ConnectOptions = { key: 'user', headers: () => ({ 'X-Of': 'first' }) }
    const { world, first } = await shared(6, 3, options)
    const late = open(world, 'late', { key: 'user', headers: () => ({ 'X-Of': 'late' }), since: '1' })
    await world.clock.advance(OPEN)
    expect(world.upstream.requests.map(({ headers }) => [headers['x-of'], headers[LAST]])).toEqual([
      ['first', undefined],
      ['late', '1'],
    ])
    expect(late).toMatchObject({ words: messages(2, 6), gaps: [] })
    await expectUndisturbed(world, first, messages(4, 6))
  })

  test('asks with its own headers where there is no key', async () => {
    const options: ConnectOptions = { headers: () => ({ 'X-Of': 'both' }) }
    const { world, first } = await shared(6, 3, options)
    const late = open(world, 'late', { ...options, since: '1' })
    await world.clock.advance(OPEN)
    expect(asked(world)).toEqual([undefined, '1'])
    expect(late).toMatchObject({ words: messages(2, 6), gaps: [] })
    await expectUndisturbed(world, first, messages(4, 6))
  })

  test('is given a long replay whole, at its own pace', async () => {
    const { world, server, first } = await shared(12_000, 3)
    const late = open(world, 'late', { since: '1000' })
    await world.clock.advance(1_000)
    server.send(world)
    await world.clock.advance(1_000)
    expect(late.gaps).toEqual([])
    expect(late.words).toEqual(messages(1_001, 12_001))
    await expectUndisturbed(world, first, messages(11_998, 12_001))
  })

  test('stands in the log of the stream afterwards, as the next hub shows', async () => {
    const { world, server, first } = await shared(6, 3)
    const late = open(world, 'late', { since: '1' })
    await world.clock.advance(OPEN)
    server.send(world, 2)
    await world.clock.advance(2_000)
    server.last = 10
    world.workers()[0]?.agent.kill()
    await world.clock.advance(3_000)
    expect(late).toMatchObject({ words: messages(2, 10), gaps: [] })
    expect(first).toMatchObject({ words: messages(4, 10), gaps: [] })
  })
})
