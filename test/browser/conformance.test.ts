import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { record, type Tab } from './browser.ts'
import type { Kind } from './recorder.ts'
import { startServer, type TestServer } from './server.ts'
import { describeSources, useBrowser } from './stage.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSED = 2

const STREAM = { 'content-type': 'text/event-stream' }

const stage = useBrowser()

/** Leaves `globalThis.Source` in the page: the constructor that the case is about. */
const chooseSource = (tab: Tab, kind: Kind) =>
  tab.page.evaluate((kind) => {
    globalThis.Source = kind === 'EventSource' ? EventSource : tabstream.SharedEventSource
  }, kind)

declare global {
  var Source: typeof EventSource
}

/** Runs `use` with a second server that lets every origin read. */
async function withElsewhere(use: (elsewhere: TestServer) => Promise<void>): Promise<void> {
  const elsewhere = await startServer()
  try {
    await use(elsewhere)
  } finally {
    await elsewhere.close()
  }
}

/** What the first events of a source look like. */
const describeEvents = (tab: Tab, url: string) =>
  tab.page.evaluate(async (url) => {
    const source = new Source(url)
    const next = (type: string) =>
      new Promise<Event>((resolve) => source.addEventListener(type, resolve, { once: true }))
    const [opened, message] = (await Promise.all([next('open'), next('message')])) as [Event, MessageEvent]
    source.close()
    const flags = ({ bubbles, cancelable, composed, defaultPrevented }: Event) => ({
      bubbles,
      cancelable,
      composed,
      defaultPrevented,
    })
    return {
      open: { ...flags(opened), isPlain: opened.constructor === Event, hasTarget: opened.target === source },
      message: {
        ...flags(message),
        isMessage: message.constructor === MessageEvent,
        hasTarget: message.target === source,
        data: message.data as string,
        origin: message.origin,
        lastEventId: message.lastEventId,
        source: message.source,
        ports: message.ports.length,
      },
      url: source.url,
    }
  }, url)

describeSources(({ kind, page }) => {
  const begin = async (path = page) => {
    const { server, open } = await stage()
    const tab = await open(path)
    await chooseSource(tab, kind)
    return { server, tab }
  }

  describe('the interface', () => {
    // [spec] https://webidl.spec.whatwg.org/#js-interfaces
    test('has the members, the attributes and the names that the interface definition gives', async () => {
      const { tab } = await begin()
      const shape = await tab.page.evaluate(() => {
        const describe = (owner: object, key: PropertyKey) => {
          const property = Object.getOwnPropertyDescriptor(owner, key)
          if (property === undefined) return 'none'
          const { value, get, set, writable, enumerable, configurable } = property
          const flags = [
            writable && 'writable',
            enumerable && 'enumerable',
            configurable && 'configurable',
            get && `${get.name}/${get.length}`,
            set && `${set.name}/${set.length}`,
          ]
          const what = typeof value === 'function' ? `${value.name}/${value.length}` : String(value)
          return [...(get ? [] : [what]), ...flags.filter(Boolean)].join(' ')
        }
        const constants = ['CONNECTING', 'OPEN', 'CLOSED']
        const members = ['url', 'withCredentials', 'readyState', 'onopen', 'onmessage', 'onerror', 'close']
        const all = (owner: object, keys: string[]) =>
          Object.fromEntries(keys.map((key) => [key, describe(owner, key)]))
        return {
          constructor: all(Source, [...constants, 'length', 'prototype']),
          prototype: all(Source.prototype, [...constants, ...members]),
          back: Source.prototype.constructor === Source,
          tag: describe(Source.prototype, Symbol.toStringTag),
          text: String(Source.prototype),
          inherits: [
            Object.getPrototypeOf(Source) === EventTarget,
            Object.getPrototypeOf(Source.prototype) === EventTarget.prototype,
          ],
          enumerable: Object.keys(Source.prototype).sort(),
        }
      })
      const constants = {
        CONNECTING: '0 enumerable',
        OPEN: '1 enumerable',
        CLOSED: '2 enumerable',
      }
      const handler = (name: string) => `enumerable configurable get on${name}/0 set on${name}/1`
      expect(shape).toEqual({
        constructor: { ...constants, length: '1 configurable', prototype: '[object EventSource]' },
        prototype: {
          ...constants,
          url: 'enumerable configurable get url/0',
          withCredentials: 'enumerable configurable get withCredentials/0',
          readyState: 'enumerable configurable get readyState/0',
          onopen: handler('open'),
          onmessage: handler('message'),
          onerror: handler('error'),
          close: 'close/0 writable enumerable configurable',
        },
        back: true,
        tag: 'EventSource configurable',
        text: '[object EventSource]',
        inherits: [true, true],
        enumerable: [...Object.keys(constants), ...['url', 'withCredentials', 'readyState'], 'close']
          .concat('onopen', 'onmessage', 'onerror')
          .sort(),
      })
    })

    test('has a name that outlives a minifier', async () => {
      const { tab } = await begin(`${page}&global`)
      expect(await tab.page.evaluate(() => Source.name)).toBe(kind)
    })

    test('gives an instance nothing of its own, and its constants', async () => {
      const { tab } = await begin()
      const instance = await tab.page.evaluate(() => {
        const source = new Source('/events/any')
        source.close()
        const { CONNECTING, OPEN, CLOSED } = source
        const assign = () => {
          Object.assign(source, { OPEN: 7 })
        }
        let refusal = 'none'
        try {
          assign()
        } catch (error) {
          refusal = (error as Error).name
        }
        return {
          own: Reflect.ownKeys(source).length,
          constants: [CONNECTING, OPEN, CLOSED],
          refusal,
          text: String(source),
          isTarget: source instanceof EventTarget,
        }
      })
      expect(instance).toEqual({
        own: 0,
        constants: [0, 1, 2],
        refusal: 'TypeError',
        text: '[object EventSource]',
        isTarget: true,
      })
    })

    test('refuses to be called without new or arguments, with a wrong dictionary, and on other objects', async () => {
      const { tab } = await begin()
      const thrown = await tab.page.evaluate(() => {
        const member = (name: string) => Object.getOwnPropertyDescriptor(Source.prototype, name)
        const call = Source as unknown as (...given: unknown[]) => unknown
        const make = (...given: unknown[]) => Reflect.construct(Source, given)
        const uses: Record<string, () => unknown> = {
          'without new': () => call('/events/any'),
          'without arguments': () => make(),
          'with a number for a dictionary': () => make('/events/any', 5),
          'with a string for a dictionary': () => make('/events/any', 'include'),
          'with a symbol for a URL': () => make(Symbol('url')),
          'url of the prototype': () => Source.prototype.url,
          'readyState of another object': () => member('readyState')?.get?.call({}),
          'withCredentials of another object': () => member('withCredentials')?.get?.call(new EventTarget()),
          'onopen of another object': () => member('onopen')?.get?.call({}),
          'set onmessage of another object': () => member('onmessage')?.set?.call({}, null),
          'close of another object': () => member('close')?.value.call(new EventTarget()),
        }
        const outcome = (use: () => unknown) => {
          try {
            use()
            return 'nothing'
          } catch (error) {
            return (error as Error).constructor === TypeError ? 'TypeError' : String(error)
          }
        }
        return Object.fromEntries(Object.entries(uses).map(([name, use]) => [name, outcome(use)]))
      })
      expect(thrown).toEqual(Object.fromEntries(Object.keys(thrown).map((name) => [name, 'TypeError'])))
    })

    test('converts its arguments as every interface does', async () => {
      const { server, tab } = await begin()
      const made = await tab.page.evaluate(() => {
        const make = (...given: unknown[]): EventSource => {
          const source = Reflect.construct(Source, given) as EventSource
          source.close()
          return source
        }
        const thrownBy = (use: () => unknown) => {
          try {
            use()
            return 'nothing'
          } catch (error) {
            return error
          }
        }
        const urls = [
          null,
          undefined,
          7,
          { toString: () => '/text' },
          new URL('/url', location.href),
          '\uD800',
        ]
        const flags = [undefined, null, {}, () => {}, { withCredentials: 'yes' }, { withCredentials: 0 }]
        return {
          urls: urls.map((url) => make(url).url),
          flags: [...flags, { withCredentials: true }, Object.create({ withCredentials: 1 })].map(
            (init) => make('/events/any', init).withCredentials,
          ),
          thrown: thrownBy(() =>
            make({
              toString: () => {
                throw 'my own'
              },
            }),
          ),
        }
      })
      expect(made).toEqual({
        urls: ['null', 'undefined', '7', 'text', 'url', '%EF%BF%BD'].map((path) => server.url(`/${path}`)),
        flags: [false, false, false, false, true, false, true, true],
        thrown: 'my own',
      })
    })
  })

  describe('the URL', () => {
    test('is resolved against the base element of that moment, and keeps its fragment to itself', async () => {
      const { server, tab } = await begin()
      const urls = await tab.page.evaluate(() => {
        const base = document.createElement('base')
        base.href = '/deep/down/?x#y'
        document.head.append(base)
        const made = ['events', '../up?q#f', '?only', '', `//${location.host}/host`].map(
          (url) => new Source(url),
        )
        base.href = '/elsewhere/'
        const urls = made.map(({ url }) => url)
        for (const source of made) source.close()
        return urls
      })
      expect(urls).toEqual(
        ['/deep/down/events', '/deep/up?q#f', '/deep/down/?only', '/deep/down/?x', '/host'].map(server.url),
      )
      const recording = await record(tab, '/events/any?q#f', ['message'], { kind })
      await recording.waitForSignals('open')
      expect(server.channel('any').requests.map(({ url }) => url)).toEqual(['/events/any?q'])
    })

    test('is refused with a SyntaxError where it makes none', async () => {
      const { tab } = await begin()
      const urls = ['http://', 'http://user@:80/', 'https://host:99999/', '//', 'http://[::1']
      const thrown = await tab.page.evaluate(
        (urls) =>
          urls.map((url) => {
            try {
              new Source(url).close()
              return 'nothing'
            } catch (error) {
              return error instanceof DOMException ? `${error.name} ${error.code}` : String(error)
            }
          }),
        urls,
      )
      expect(thrown).toEqual(Array(urls.length).fill('SyntaxError 12'))
    })

    test('of a scheme that cannot be fetched gives one error and a closed source', async () => {
      const { tab } = await begin()
      const urls = ['ftp://127.0.0.1/', 'mailto:me@dash.test', 'javascript:alert(1)', 'about:blank', 'none:x']
      for (const url of urls) {
        const recording = await record(tab, url, ['message'], { kind })
        expect(await recording.waitForSignals('error'), url).toEqual([{ type: 'error', readyState: CLOSED }])
      }
    })

    test('with a user name or a password gives one error and a closed source', async () => {
      const { server, tab } = await begin()
      for (const user of ['user', 'user:password', ':password']) {
        const url = server.url('/events/any').replace('//', `//${user}@`)
        const recording = await record(tab, url, ['message'], { kind })
        expect(await recording.waitForSignals('error'), user).toEqual([{ type: 'error', readyState: CLOSED }])
      }
      expect(server.channel('any').requests).toEqual([])
    })

    test('of a data: URL or a blob is read like any other', async () => {
      const { tab } = await begin()
      const blob = await tab.page.evaluate(() =>
        URL.createObjectURL(new Blob(['data: x\n\n'], { type: 'text/event-stream' })),
      )
      for (const url of ['data:text/event-stream,data:%20x%0A%0A', blob]) {
        const recording = await record(tab, url, ['message'], { kind })
        await recording.waitForData('x')
        await recording.close()
      }
    })
  })

  describe('the request', () => {
    test('is a GET that accepts event streams and no cached ones, and names no last event', async () => {
      const { server, tab } = await begin()
      let request: IncomingMessage | undefined
      server.answer('/ask', (asked, response) => {
        request = asked
        response.writeHead(200, STREAM).write(':\n')
      })
      const recording = await record(tab, '/ask', ['message'], { kind })
      await recording.waitForSignals('open')
      expect(request?.method).toBe('GET')
      expect(request?.headers).toMatchObject({ accept: 'text/event-stream', 'cache-control': 'no-cache' })
      expect(request?.headers).not.toHaveProperty('last-event-id')
      expect(request?.headers).not.toHaveProperty('content-length')
    })

    test('goes to another origin with that origin, without a preflight', async () => {
      const { server, tab } = await begin()
      await withElsewhere(async (elsewhere) => {
        elsewhere.channel('any').headers = { 'access-control-allow-origin': server.origin }
        const recording = await record(tab, elsewhere.url('/events/any'), ['message'], { kind })
        await recording.waitForSignals('open')
        expect(elsewhere.channel('any').requests[0]?.headers.origin).toBe(server.origin)
        expect(elsewhere.channel('any').preflights).toBe(0)
      })
    })

    // Cookies are of a host whatever the port, so both servers would be sent this one.
    test('has cookies within the origin, and elsewhere only with credentials', async () => {
      const { server, tab } = await begin()
      await withElsewhere(async (elsewhere) => {
        await tab.page.evaluate(() => {
          // biome-ignore lint/suspicious/noDocumentCookie: the other way is asynchronous and no shorter
          document.cookie = 'user=me'
        })
        const cors = {
          'access-control-allow-origin': server.origin,
          'access-control-allow-credentials': 'true',
        }
        const ask = async (at: TestServer, withCredentials: boolean) => {
          const name = withCredentials ? 'with' : 'without'
          at.channel(name).headers = cors
          const recording = await record(tab, at.url(`/events/${name}`), [], { kind, withCredentials })
          await recording.waitForSignals('open')
          return at.channel(name).requests[0]?.headers.cookie
        }
        expect(await ask(server, false)).toBe('user=me')
        expect(await ask(server, true)).toBe('user=me')
        expect(await ask(elsewhere, false)).toBeUndefined()
        expect(await ask(elsewhere, true)).toBe('user=me')
      })
    })

    test('names no last event before there was an ID, nor after it was reset', async () => {
      const { server, tab } = await begin()
      const channel = server.channel('any')
      channel.replay = 'no-ids'
      const recording = await record(tab, '/events/any', ['message'], { kind })
      await recording.waitForSignals('open')
      channel.send({ data: '1' })
      await recording.waitForData('1')
      channel.cut()
      await recording.waitForSignals('open', 2)
      channel.sendText('id: 7\ndata: 2\n\nid\ndata: 3\n\n')
      await recording.waitForData('3')
      channel.cut()
      await recording.waitForSignals('open', 3)
      expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual(Array(3).fill(undefined))
    })

    test('names the last event by the UTF-8 bytes of its ID, whatever is in it', async () => {
      const { server, tab } = await begin()
      const ids = ['é', 'ÿ\u0080', '漢字', 'naïve 🦊', '<"(\\)">', 'a'.repeat(1_000), '%F0 ~', '\uFFFD']
      for (const [index, id] of ids.entries()) {
        const channel = server.channel(String(index))
        const recording = await record(tab, `/events/${index}`, ['message'], { kind })
        await recording.waitForSignals('open')
        channel.send({ data: '1', id })
        expect(await recording.waitForEvents(1)).toEqual([{ type: 'message', data: '1', lastEventId: id }])
        channel.cut()
        await recording.waitForSignals('open', 2)
        const headers = channel.requests.map(({ headers }) => headers['last-event-id'])
        expect(headers).toEqual([undefined, Buffer.from(id).toString('latin1')])
        await recording.close()
      }
    })
  })

  describe('the response', () => {
    test('opens the source before there is any data, and its events are as the standard makes them', async () => {
      const { server, tab } = await begin()
      server.channel('any').preamble = 'id: 7\ndata: x\n\n'
      const usual = {
        bubbles: false,
        cancelable: false,
        composed: false,
        defaultPrevented: false,
      }
      expect(await describeEvents(tab, '/events/any#f')).toEqual({
        open: { ...usual, isPlain: true, hasTarget: true },
        message: {
          ...usual,
          isMessage: true,
          hasTarget: true,
          data: 'x',
          origin: server.origin,
          lastEventId: '7',
          source: null,
          ports: 0,
        },
        url: server.url('/events/any#f'),
      })

      server.answer('/silent', (_request, response) => response.writeHead(200, STREAM).flushHeaders())
      const silent = await record(tab, '/silent', ['message'], { kind })
      expect(await silent.waitForSignals('open')).toEqual([{ type: 'open', readyState: OPEN }])
    })

    test('fails the source with any status but 200, even another that means success', async () => {
      const { server, tab } = await begin()
      const channel = server.channel('status')
      for (const status of [
        201, 202, 203, 205, 206, 210, 299, 300, 304, 400, 401, 403, 410, 429, 500, 502, 503,
      ]) {
        const isBodiless = status === 205 || status === 304
        channel.reply({ status, headers: STREAM, ...(isBodiless ? {} : { body: 'data: no\n\n' }) })
        const recording = await record(tab, `/events/status`, ['message'], { kind })
        expect(await recording.waitForSignals('error'), String(status)).toEqual([
          { type: 'error', readyState: CLOSED },
        ])
        expect(await recording.received()).toEqual([])
      }
    })

    test('opens the source with the right content type, in any case and with any parameters', async () => {
      const { server, tab } = await begin()
      const parameters = [';charset=utf-8', '; charset="UTF-8"', ' ; x=y', ';', ';x="a,b"']
      // Of several headers the last one that makes sense counts.
      const several = ['text/html, text/event-stream', 'text/event-stream, */*', 'text/event-stream, bogus']
      const single = ['TEXT/Event-Stream', ...['', ...parameters].map((each) => `text/event-stream${each}`)]
      for (const type of [...single, ...several]) {
        server.channel('type').headers = { 'content-type': type }
        const recording = await record(tab, `/events/type?${encodeURIComponent(type)}`, ['message'], { kind })
        expect(await recording.waitForSignals('open'), type).toEqual([{ type: 'open', readyState: OPEN }])
        await recording.close()
      }
    })

    test('fails the source with another content type, or none that makes sense', async () => {
      const { server, tab } = await begin()
      const types = [
        'text/event-streams',
        'text/event',
        'application/event-stream',
        'text/plain',
        'x bogus',
        ';',
      ]
      for (const type of [...types, 'text/html; text/event-stream', 'text/event-stream, text/html']) {
        server.channel('type').reply({ headers: { 'content-type': type }, body: 'data: no\n\n' })
        const recording = await record(tab, '/events/type', ['message'], { kind })
        expect(await recording.waitForSignals('error'), type).toEqual([{ type: 'error', readyState: CLOSED }])
        expect(await recording.received()).toEqual([])
      }
    })

    test.each([301, 302, 303, 307, 308])('is looked for elsewhere with status %i', async (status) => {
      const { server, tab } = await begin()
      server.channel('old').reply({ status, headers: { location: '/events/new' } })
      server.channel('new').preamble = 'data: x\n\n'
      const { message, url } = await describeEvents(tab, '/events/old')
      expect(message).toMatchObject({ data: 'x', origin: server.origin })
      expect(url).toBe(server.url('/events/old'))
    })

    test('of another origin gives its events that origin, also after a redirect', async () => {
      const { server, tab } = await begin()
      await withElsewhere(async (elsewhere) => {
        elsewhere.channel('far').headers = { 'access-control-allow-origin': '*' }
        elsewhere.channel('far').preamble = 'data: x\n\n'
        const far = elsewhere.url('/events/far')
        server.channel('away').reply({ status: 302, headers: { location: far } })
        for (const url of [far, '/events/away']) {
          expect((await describeEvents(tab, url)).message, url).toMatchObject({ origin: elsewhere.origin })
        }
      })
    })

    // The standard lets a browser try again or give up. Script cannot tell this from a network that failed.
    test('with a bad redirect gives an error', async () => {
      const { server, tab } = await begin()
      server.channel('away').reply({ status: 302, headers: { location: 'ftp://127.0.0.1/' } })
      const recording = await record(tab, '/events/away', ['message'], { kind })
      const [signal] = await recording.waitForSignals('error')
      expect(signal).toEqual({ type: 'error', readyState: kind === 'EventSource' ? CLOSED : CONNECTING })
      expect((await recording.signals()).filter(({ type }) => type === 'open')).toEqual([])
      await recording.close()
    })
  })

  describe('a reconnection', () => {
    test.each([204, 404, 500])('that is answered with status %i closes the source', async (status) => {
      const { server, tab } = await begin()
      const channel = server.channel('any')
      const recording = await record(tab, '/events/any', ['message'], { kind })
      await recording.waitForSignals('open')
      channel.send({ data: '1' })
      await recording.waitForData('1')
      channel.reply({ status, headers: STREAM })
      channel.end()
      expect(await recording.waitForSignals('error', 2)).toEqual([
        { type: 'open', readyState: OPEN },
        { type: 'error', readyState: CONNECTING },
        { type: 'error', readyState: CLOSED },
      ])
    })

    test('gives its events the origin of where it has found them', async () => {
      const { server, tab } = await begin()
      await withElsewhere(async (elsewhere) => {
        elsewhere.channel('far').headers = { 'access-control-allow-origin': '*' }
        server.channel('near').retry = 10
        elsewhere.channel('far').preamble = 'data: far\n\n'
        server.channel('near').reply({ status: 302, headers: { location: elsewhere.url('/events/far') } }, 1)
        await tab.page.evaluate(() => {
          const source = new Source('/events/near')
          globalThis.origins = new Promise((resolve) => {
            const origins: string[] = []
            source.onmessage = ({ origin }) => {
              if (origins.push(origin) === 2) resolve(origins)
            }
          })
        })
        await elsewhere.channel('far').waitForConnections(1)
        server.channel('near').preamble = 'data: near\n\n'
        elsewhere.channel('far').end()
        const origins = await tab.page.evaluate(() => globalThis.origins)
        // A departure, see docs/differences.md: the browser goes on asking where the redirect has led it.
        expect(origins).toEqual([elsewhere.origin, (kind === 'EventSource' ? elsewhere : server).origin])
        expect(server.channel('near').requests).toHaveLength(kind === 'EventSource' ? 1 : 2)
      })
    })
  })

  describe('close()', () => {
    test.each(['open', 'message', 'error'] as const)(
      'in a handler of %s ends everything but that event',
      async (type) => {
        const { server, tab } = await begin()
        const channel = server.channel('any')
        channel.preamble = 'data: 1\n\ndata: 2\n\n'
        await tab.page.evaluate((type) => {
          const source = new Source('/events/any')
          globalThis.calls = []
          for (const name of ['open', 'message', 'error']) {
            source.addEventListener(name, (event) => {
              calls.push(`${name} ${(event as MessageEvent).data ?? ''}`)
              if (name !== type) return
              source.close()
              source.close()
              calls.push(`closed ${source.readyState}`)
            })
            source.addEventListener(name, () => calls.push(`after ${source.readyState}`))
          }
        }, type)
        await channel.until(() => channel.totalConnections === 1, 'a connection')
        if (type === 'error') channel.end()
        await channel.waitForConnections(0)
        await tab.page.waitForFunction(() => calls.includes('after 2'))
        // A later source has come and gone: so would have whatever was on its way to this one.
        const later = await record(tab, '/events/later', ['message'], { kind })
        await later.waitForSignals('open')
        const before = [
          'open ',
          'after 1',
          'message 1',
          'after 1',
          'message 2',
          'after 1',
          'error ',
          'after 0',
        ]
        const end = before.indexOf(type === 'message' ? 'message 1' : `${type} `) + 1
        expect(await tab.page.evaluate(() => calls)).toEqual([...before.slice(0, end), 'closed 2', 'after 2'])
        expect(channel.requests).toHaveLength(1)
      },
    )

    test('before the connection is there gives neither open nor error, and nothing else', async () => {
      const { server, tab } = await begin()
      const channel = server.channel('any')
      channel.hold()
      const recording = await record(tab, '/events/any', ['message'], { kind })
      await server.waitForRequest('/events/any')
      expect(await recording.readyState()).toBe(CONNECTING)
      await recording.close()
      channel.release()
      const later = await record(tab, '/events/later', ['message'], { kind })
      await later.waitForSignals('open')
      expect(await recording.readyState()).toBe(CLOSED)
      expect(await recording.signals()).toEqual([])
    })
  })

  // [spec] https://html.spec.whatwg.org/multipage/webappapis.html#event-handler-attributes
  describe('an event handler attribute', () => {
    test('takes any object and calls only functions, in the place it was first given', async () => {
      const { tab } = await begin()
      const seen = await tab.page.evaluate(() => {
        const source = new Source('/events/any')
        source.close()
        const handlers = source as unknown as Record<string, unknown>
        const calls: string[] = []
        const fire = () => {
          calls.length = 0
          source.dispatchEvent(new Event('message'))
          return calls.join(' ')
        }
        const note = (name: string) => () => void calls.push(name)
        const values = [undefined, null, 7, '', 'text', true, Symbol('s'), 7n]
        const primitives = values.map((value) => {
          handlers.onmessage = value
          return handlers.onmessage
        })
        source.addEventListener('message', note('first'))
        const object = { handleEvent: note('handleEvent') }
        handlers.onmessage = object
        source.addEventListener('message', note('last'))
        const asObject = [handlers.onmessage === object, fire()]
        handlers.onmessage = note('handler')
        const replaced = fire()
        handlers.onmessage = 'text'
        const removed = fire()
        handlers.onmessage = note('handler')
        const again = fire()
        return { primitives, asObject, replaced, removed, again, others: [source.onopen, source.onerror] }
      })
      expect(seen).toEqual({
        primitives: Array(8).fill(null),
        asObject: [true, 'first last'],
        replaced: 'first handler last',
        removed: 'first last',
        again: 'first last handler',
        others: [null, null],
      })
    })

    test('can be replaced or taken away by a listener before it', async () => {
      const { tab } = await begin()
      const seen = await tab.page.evaluate(() => {
        const source = new Source('/events/any')
        source.close()
        const calls: string[] = []
        const actions = [() => (source.onerror = () => void calls.push('new')), () => (source.onerror = null)]
        source.addEventListener('error', () => void actions.shift()?.())
        source.onerror = () => void calls.push('old')
        source.dispatchEvent(new Event('error'))
        source.dispatchEvent(new Event('error'))
        return calls
      })
      expect(seen).toEqual(['new'])
    })

    test('cancels by returning false, has the source for this, and disturbs nobody by throwing', async () => {
      const { tab } = await begin()
      const seen = await tab.page.evaluate(() => {
        const source = new Source('/events/any')
        source.close()
        const fire = (type: string) => {
          const event = new Event(type, { cancelable: true })
          source.dispatchEvent(event)
          return event.defaultPrevented
        }
        const returning = (value: unknown) => {
          source.onopen = () => value
          return fire('open')
        }
        const prevented = [false, undefined, 0, '', true].map(returning)
        const reports: string[] = []
        addEventListener('error', (event) => {
          reports.push(event.error.message)
          event.preventDefault()
        })
        let self: unknown
        source.onmessage = function (this: unknown) {
          self = this
          throw new Error('mine')
        }
        let isCalled = false
        source.addEventListener('message', () => {
          isCalled = true
        })
        fire('message')
        return { prevented, isSource: self === source, reports, isCalled }
      })
      expect(seen).toEqual({
        prevented: [true, false, false, false, false],
        isSource: true,
        reports: ['mine'],
        isCalled: true,
      })
    })
  })
})

declare global {
  var calls: string[]
  var origins: Promise<string[]>
}
