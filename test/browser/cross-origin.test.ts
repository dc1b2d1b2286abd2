import { describe, expect, test } from 'vitest'
import { inspect, record, type Tab, warnings } from './browser.ts'
import type { Channel, Reply } from './channel.ts'
import { startServer, type TestServer } from './server.ts'
import { describeSources, ESSENTIAL, useBrowser } from './stage.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSED = 2

const stage = useBrowser()

/** A tab, and a second server with a channel. */
async function withElsewhere(
  page: string,
  use: (all: {
    tab: Tab
    server: TestServer
    elsewhere: TestServer
    channel: Channel
    url: string
  }) => Promise<void>,
): Promise<void> {
  const { server, open } = await stage()
  const elsewhere = await startServer()
  try {
    const url = elsewhere.url('/events/far')
    await use({ tab: await open(page), server, elsewhere, channel: elsewhere.channel('far'), url })
  } finally {
    await elsewhere.close()
  }
}

const permitting = ({ origin }: TestServer) => ({
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
})

describeSources(({ kind, page }) => {
  const isOurs = kind === 'SharedEventSource'

  describe('a server of another origin that', () => {
    test.each<[string, Reply, boolean]>([
      ['answers no preflights', { status: 405 }, false],
      ['permits no Last-Event-ID', { status: 204 }, false],
      [
        'permits any header, but none with credentials',
        { status: 204, headers: { 'access-control-allow-headers': '*' } },
        true,
      ],
    ])('%s is connected to again', async (_name, preflight, withCredentials) => {
      await withElsewhere(page, async ({ tab, server, channel, url }) => {
        channel.headers = permitting(server)
        channel.preflight = preflight
        const recording = await record(tab, url, ['message'], { kind, withCredentials })
        await recording.waitForSignals('open')
        channel.send({ data: 'one' }, { data: 'two' })
        await recording.waitForData('two')
        for (const [index, data] of ['three', 'four'].entries()) {
          channel.end()
          await recording.waitForSignals('open', index + 2)
          channel.send({ data })
          await recording.waitForData(data)
        }
        // The browser's own source needs no permission. Without the header nothing can be resumed, and that is told.
        const gap = (lastEventId: string) =>
          isOurs ? [{ type: 'gap', data: 'history-lost', lastEventId }] : []
        const message = (data: string, lastEventId: string) => ({ type: 'message', data, lastEventId })
        expect(await recording.received()).toEqual([
          message('one', '1'),
          message('two', '2'),
          ...gap('2'),
          message('three', '3'),
          ...gap('3'),
          message('four', '4'),
        ])
        expect(await recording.signals()).toEqual([
          { type: 'open', readyState: OPEN },
          { type: 'error', readyState: CONNECTING },
          { type: 'open', readyState: OPEN },
          { type: 'error', readyState: CONNECTING },
          { type: 'open', readyState: OPEN },
        ])
        expect(channel.requests).toHaveLength(3)
        expect(channel.peakConnections).toBe(1)
        // One to find out, and one to make sure; none for the second reconnection.
        expect(channel.preflights).toBe(isOurs ? 2 : 0)
        if (!isOurs) return
        expect(await warnings(tab)).toEqual([
          expect.stringMatching(/Access-Control-Allow-Headers: Last-Event-ID/),
        ])
      })
    })

    // [spec] A network error may be such that connecting again is futile.
    // https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
    test.each<[string, boolean, Record<string, string>]>([
      ['does not permit to be read', false, {}],
      ['permits another origin', false, { 'access-control-allow-origin': 'http://others.test' }],
      ['permits nobody in particular', false, { 'access-control-allow-origin': '' }],
      ['does not permit credentials', true, { 'access-control-allow-origin': 'SELF' }],
      [
        'permits everybody, but with credentials',
        true,
        { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' },
      ],
    ])('%s gives one error and a closed source', async (_name, withCredentials, headers) => {
      await withElsewhere(page, async ({ tab, server, channel, url }) => {
        const entries = Object.entries(headers).map(([name, value]) => [
          name,
          value.replace('SELF', server.origin),
        ])
        channel.headers = Object.fromEntries(entries)
        channel.preamble = 'data: secret\n\n'
        const recording = await record(tab, url, ['message'], { kind, withCredentials })
        expect(await recording.waitForSignals('error')).toEqual([{ type: 'error', readyState: CLOSED }])
        expect(await recording.received()).toEqual([])
        if (!isOurs) return
        expect((await inspect(tab)).streams).toEqual([])
        expect(await warnings(tab)).toEqual([expect.stringMatching(/"Access-Control-Allow-Origin: http:.*"/)])
      })
    })

    test('redirects to where it may not be read gives one error and a closed source', async () => {
      await withElsewhere(page, async ({ tab, server, elsewhere, channel, url }) => {
        channel.reply({ status: 302, headers: { ...permitting(server), location: elsewhere.url('/ping') } })
        const recording = await record(tab, url, ['message'], { kind })
        expect(await recording.waitForSignals('error')).toEqual([{ type: 'error', readyState: CLOSED }])
      })
    })

    // A departure, see docs/differences.md: this header hides from script that there is a server at all.
    test('lets itself be embedded nowhere gives an error', async () => {
      await withElsewhere(page, async ({ tab, channel, url }) => {
        channel.headers = { 'cross-origin-resource-policy': 'same-origin' }
        const recording = await record(tab, url, ['message'], { kind })
        const [signal] = await recording.waitForSignals('error')
        expect(signal).toEqual({ type: 'error', readyState: isOurs ? CONNECTING : CLOSED })
        await recording.close()
      })
    })

    // The cookie is set by the first response, and expected with the second request.
    test.each([
      ['has its cookies with credentials', { withCredentials: true }, 'far=yes'],
      ['has and gives none without', { withCredentials: false }, undefined],
      ['has and gives none by default', {}, undefined],
    ] as const)('%s, on a reconnection too', async (_name, init, cookie) => {
      await withElsewhere(page, async ({ tab, server, channel, url }) => {
        channel.headers = { ...permitting(server), 'set-cookie': 'far=yes; Path=/' }
        const recording = await record(tab, url, ['message'], { kind, ...init })
        await recording.waitForSignals('open')
        channel.send({ data: 'one' }, { data: 'two' })
        await recording.waitForData('two')
        channel.end()
        await recording.waitForSignals('open', 2)
        channel.send({ data: 'three' })
        await recording.waitForData('three')
        expect((await recording.received()).map(({ data }) => data)).toEqual(['one', 'two', 'three'])
        expect(channel.requests.map(({ headers }) => headers.cookie)).toEqual([undefined, cookie])
        expect(channel.requests[1]?.lastEventId).toBe(isOurs ? '1' : '2')
      })
    })
  })
})

describe.each(['shared-worker', 'leader'])('connect(), %s', (host) => {
  test('is told what a server of another origin has to permit', ESSENTIAL, async () => {
    await withElsewhere(`/page?host=${host}`, async ({ tab, server, channel, url }) => {
      channel.headers = { 'access-control-allow-origin': server.origin }
      const status = await tab.page.evaluate(
        (url) =>
          new Promise<{ state: string; error: string | undefined }>((resolve) => {
            const stream = tabstream.connect(url, { headers: { Authorization: 'secret' } })
            stream.onStatus(({ state, error }) => {
              if (state !== 'connecting') resolve({ state, error: error?.message })
            })
          }),
        url,
      )
      expect(status.state).toBe('closed')
      expect(status.error).toContain('"Access-Control-Allow-Headers: authorization"')
      expect(channel.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true)
    })
  })

  test('resumes a POST by a GET that a preflight refuses, and never makes the POST again', async () => {
    await withElsewhere(`/page?host=${host}`, async ({ tab, server, elsewhere, channel, url }) => {
      channel.headers = permitting(server)
      channel.preflight = { status: 405 }
      const began = tab.page.evaluate((url) => {
        globalThis.states = []
        const stream = tabstream.connect(url, { method: 'POST', body: 'ask', resume: {} })
        stream.onGap(({ reason }) => states.push(reason))
        stream.on('message', ({ data }) => {
          states.push(data)
        })
        globalThis.third = new Promise((resolve) => {
          stream.on('last', () => resolve(stream.status.state))
        })
        globalThis.second = new Promise((resolve) => {
          stream.on('message', ({ data }) => data === 'two' && resolve(data))
        })
      }, url)
      await channel.waitForConnections(1)
      await began
      channel.send({ data: 'one' }, { data: 'two' })
      await tab.page.evaluate(() => second)
      expect(await tab.page.evaluate(() => states)).toEqual(['one', 'two'])
      channel.cut()
      await channel.waitForConnections(1)
      channel.send({ data: 'three' }, { event: 'last', data: '' })
      expect(await tab.page.evaluate(() => third)).toBe('open')
      expect(await tab.page.evaluate(() => states)).toEqual(['one', 'two', 'history-lost', 'three'])
      const asked = elsewhere.journal.filter((entry) => entry.endsWith('/events/far'))
      expect(asked.filter((entry) => !entry.startsWith('closed'))).toEqual([
        'POST /events/far',
        'OPTIONS /events/far',
        'GET /events/far',
        'OPTIONS /events/far',
      ])
    })
  })

  test('goes on where a proxy without a permission answers for a while', async () => {
    await withElsewhere(`/page?host=${host}`, async ({ tab, server, channel, url }) => {
      channel.headers = permitting(server)
      const source = await record(tab, url, ['message'])
      await tab.page.evaluate((url) => {
        globalThis.states = []
        const stream = tabstream.connect(url)
        stream.onStatus(({ state, error }) => states.push(`${state} ${error?.message ?? ''}`))
        globalThis.third = stream.once('message').then(() => stream.status.state)
      }, url)
      await source.waitForSignals('open')
      channel.reply({ status: 502 }, 3)
      channel.cut()
      await source.waitForSignals('error', 2)
      expect(await source.readyState()).toBe(CLOSED)
      await channel.waitForConnections(1)
      channel.send({ data: 'back' })
      expect(await tab.page.evaluate(() => third)).toBe('open')
      expect((await tab.page.evaluate(() => states)).join()).toContain('no longer lets')
    })
  })
})

declare global {
  var states: string[]
  var second: Promise<string>
  var third: Promise<string>
}
