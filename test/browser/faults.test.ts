import { describe, expect, test } from 'vitest'
import { record } from './browser.ts'
import type { Reply } from './channel.ts'
import { startServer } from './server.ts'
import { ESSENTIAL, SOURCES, useBrowser } from './stage.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSED = 2

const stage = useBrowser()

describe.each(SOURCES)('$name', ({ kind, page }) => {
  // [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
  // Any status but 200, or another type, fails the connection: one error, CLOSED, no new attempt.
  test.each<[string, Reply]>([
    ['404', { status: 404, headers: { 'content-type': 'text/event-stream' }, body: 'data: no\n\n' }],
    ['500', { status: 500, headers: { 'content-type': 'text/event-stream' }, body: 'data: no\n\n' }],
    ['204', { status: 204 }],
    [
      'the wrong content type',
      { status: 200, headers: { 'content-type': 'text/html' }, body: 'data: no\n\n' },
    ],
    ['no content type', { status: 200, body: 'data: no\n\n' }],
  ])('%s closes the source for good and disturbs no other', async (_name, reply) => {
    const { server, open } = await stage()
    const good = server.channel('good')
    const bad = server.channel('bad')
    bad.reply(reply)
    const tab = await open(page)
    const undisturbed = await record(tab, '/events/good', ['message'], { kind })
    await undisturbed.waitForSignals('open')
    const failing = await record(tab, '/events/bad', ['message'], { kind })
    expect(await failing.waitForSignals('error')).toEqual([{ type: 'error', readyState: CLOSED }])

    // A second failing source that came later has failed as well: a new attempt of the first would have
    // had the time to be made.
    bad.reply({})
    const later = await record(tab, '/events/bad', ['message'], { kind })
    await later.waitForSignals('error')
    good.send({ data: 'still here' })
    expect(await undisturbed.waitForEvents(1)).toEqual([
      { type: 'message', data: 'still here', lastEventId: '1' },
    ])
    expect(bad.requests).toHaveLength(2)
    expect(await undisturbed.signals()).toEqual([{ type: 'open', readyState: OPEN }])
    expect(await failing.signals()).toEqual([{ type: 'error', readyState: CLOSED }])
    expect(await failing.received()).toEqual([])
    expect(await failing.readyState()).toBe(CLOSED)
  })

  test(
    'a server that is gone for a while is asked again until it is back, from the last event',
    ESSENTIAL,
    async () => {
      const { server, open } = await stage()
      const cors = { 'access-control-allow-origin': '*' }
      let upstream = await startServer()
      try {
        upstream.channel('news').headers = cors
        const tab = await open(page)
        const undisturbed = await record(tab, '/events/good', ['message'], { kind })
        const recording = await record(tab, upstream.url('/events/news'), ['message'], { kind })
        await recording.waitForSignals('open')
        upstream.channel('news').send({ data: 'before', id: 'before' })
        await recording.waitForData('before')

        await upstream.close()
        // The first error is the lost connection, the others are attempts that were refused.
        const signals = await recording.waitForSignals('error', 3)
        expect(signals.slice(1)).toEqual(
          signals.slice(1).map(() => ({ type: 'error', readyState: CONNECTING })),
        )

        upstream = await startServer({ port: upstream.port })
        const news = upstream.channel('news')
        news.headers = cors
        news.replay = 'ignore'
        await news.waitForConnections(1)
        expect(news.requests.at(-1)?.lastEventId).toBe('before')
        await recording.waitForSignals('open', 2)
        news.send({ data: 'after' })
        expect((await recording.waitForData('after')).map(({ data }) => data)).toEqual(['before', 'after'])

        server.channel('good').send({ data: 'still here' })
        await undisturbed.waitForData('still here')
        expect(await undisturbed.signals()).toEqual([{ type: 'open', readyState: OPEN }])
      } finally {
        await upstream.close()
      }
    },
  )

  test('a port where nobody has ever listened gives an error and leaves the source CONNECTING', async () => {
    const { open } = await stage()
    const nobody = await startServer()
    await nobody.close()
    const tab = await open(page)
    const recording = await record(tab, nobody.url('/events/none'), ['message'], { kind })
    const [signal] = await recording.waitForSignals('error')
    expect(signal).toEqual({ type: 'error', readyState: CONNECTING })
    await recording.close()
    expect(await recording.readyState()).toBe(CLOSED)
  })

  test('a redirect is followed', async () => {
    const { server, open } = await stage()
    server.channel('old').reply({ status: 307, headers: { location: '/events/new' } })
    const tab = await open(page)
    const recording = await record(tab, '/events/old', ['message'], { kind })
    await recording.waitForSignals('open')
    server.channel('new').send({ data: 'here' })
    expect(await recording.waitForEvents(1)).toEqual([{ type: 'message', data: 'here', lastEventId: '1' }])
  })

  test('a response that ends in good order is taken up again', ESSENTIAL, async () => {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const recording = await record(await open(page), '/events/news', ['message'], { kind })
    await recording.waitForSignals('open')
    channel.send({ data: 'one' })
    await recording.waitForEvents(1)
    channel.end()
    await channel.waitForConnections(0)
    channel.send({ data: 'two' })
    await recording.waitForEvents(2)
    expect(await recording.data()).toEqual(['one', 'two'])
    expect(await recording.signals()).toEqual([
      { type: 'open', readyState: OPEN },
      { type: 'error', readyState: CONNECTING },
      { type: 'open', readyState: OPEN },
    ])
  })

  test('an invalid URL throws a SyntaxError', async () => {
    const { open } = await stage()
    const tab = await open(page)
    const thrown = await tab.page.evaluate((kind) => {
      const Source = kind === 'EventSource' ? EventSource : tabstream.SharedEventSource
      try {
        new Source('http://[not-a-host]/').close()
        return 'nothing'
      } catch (error) {
        return error instanceof DOMException ? `DOMException ${error.name}` : String(error)
      }
    }, kind)
    expect(thrown).toBe('DOMException SyntaxError')
  })
})
