import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { type Finishing, listen } from './scripted.ts'
import { tabstream } from './tool.ts'

// Kinds of servers that scripts of fixed bytes cannot play, because what they send depends on the request or on what went before;
// and doubles of the servers that have a preset.

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

const STREAM = { 'content-type': 'text/event-stream' }

interface Asked {
  /** Counts requests from 1 on. */
  readonly count: number
  readonly method: string
  readonly url: URL
  /** The `Last-Event-ID`. */
  readonly after: string
}

/** @param act answers one request */
const serve = (
  context: Finishing,
  act: (asked: Asked, response: ServerResponse) => void,
): Promise<string> => {
  let count = 0
  return listen(
    context,
    createServer((request: IncomingMessage, response) => {
      const after = Buffer.from(String(request.headers['last-event-id'] ?? ''), 'latin1').toString()
      const url = new URL(request.url ?? '', 'http://server.test')
      act({ count: ++count, method: request.method ?? '', url, after }, response)
    }),
  )
}

/** Writes what is stored, and then an event from time to time, one by one. */
function stream(
  response: ServerResponse,
  stored: readonly string[],
  live: (index: number) => string = () => '',
): void {
  response.write(stored.join(''))
  let index = 0
  const timer = setInterval(() => response.write(live(index++)), 60)
  response.on('close', () => clearInterval(timer))
}

interface Told {
  readonly resumes: string
  readonly tabstream: string
  readonly problem: string
  readonly status: number
  readonly text: string
}

async function verdictAt(url: string, ...args: readonly string[]): Promise<Told> {
  const { text, status } = await tabstream('test', url, '--duration', '1200ms', ...args)
  const [, resumes = ''] = /Does it resume\? (.*)/.exec(text) ?? []
  const [, tabstreamSays = ''] = /with tabstream: (.*)/.exec(text) ?? []
  const [, problem = ''] = /No stream: (.*)/.exec(text) ?? []
  return { resumes, tabstream: tabstreamSays, problem, status, text }
}

const numbered = (id: number | string, data = `n${id}`) => `id: ${id}\ndata: ${data}\n\n`

const GAP = 'a gap (history-lost) after each lost connection'
const NO_GAP = 'everything, once: no gap'

/** On a busy machine events may come in bursts. */
describe.concurrent('the tester says of', { retry: 2 }, () => {
  test('a union of channels, whose replay has other IDs and another order: a gap', async (context) => {
    const url = await serve(context, ({ count, after }, response) => {
      response.writeHead(200, STREAM)
      // Which channel stands in brackets differs from one connection to the next.
      const id = (time: number, at: number) => (count % 2 ? `${time}:[${at}],1` : `${time}:1,[${at}]`)
      const replay = after === '' ? [] : [7, 5, 6].map((time) => numbered(id(time, count), `n${time}`))
      stream(response, replay, (index) => numbered(id(count * 100 + index, 0), `n${count * 100 + index}`))
    })
    const { resumes, tabstream } = await verdictAt(url)
    expect(resumes).toMatch(/^no: /)
    expect(tabstream).toBe(GAP)
  })

  test('a union of channels that resumes within a second, and renames what lies behind: not that it resumes', async (context) => {
    let clock = 0
    const url = await serve(context, ({ count, after }, response) => {
      response.writeHead(200, STREAM)
      // As it was sent live, an ID tells of a channel that was silent. In a replay it does not.
      const id = (time: number) => (time <= 5 ? `${time}:[0],-` : `${time}:${count === 2 ? '-' : '0'},[0]`)
      const last = Number(/^\d+/.exec(after)?.[0] ?? 0)
      const replay = Array.from({ length: Math.max(0, clock - last) }, (_, index) => last + index + 1)
      const isUnknown = after.startsWith('tabstream-test')
      stream(
        response,
        after === '' || isUnknown ? [] : replay.map((time) => numbered(id(time), `n${time}`)),
        () => {
          clock++
          return numbered(id(clock), `n${clock}`)
        },
      )
    })
    const { resumes, tabstream, text, status } = await verdictAt(url, '--expect', 'resumes')
    expect(resumes, text).toBe('no: this server gives an event another ID when it sends it again')
    expect([tabstream, status]).toEqual([GAP, 1])
    expect(text).toMatch(/\d+ events came again under another ID: "6:-,\[0\]" as "6:0,\[0\]"/)
  })

  test('a busy server whose events are alike: that it resumes', async (context) => {
    let clock = 0
    const url = await serve(context, ({ after }, response) => {
      response.writeHead(200, STREAM)
      const next = (time: number) => numbered(time, `alike ${time % 6}`)
      const last = after.startsWith('tabstream-test') ? 0 : Number(after)
      const replay = Array.from({ length: clock - last }, (_, index) => next(last + index + 1))
      stream(response, after === '' ? [] : replay, () => next(++clock))
    })
    expect((await verdictAt(url)).resumes).toBe('yes: this server replays what came after the ID')
  })

  test('a server that gives an event another ID each time: a gap', async (context) => {
    const url = await serve(context, ({ count, after }, response) => {
      response.writeHead(200, STREAM)
      const replay = after === '' ? [] : ['n3', 'n4'].map((data, at) => numbered(`g${count}-${at}`, data))
      stream(response, replay, (index) => numbered(`g${count}-${index + 2}`, `n${index}`))
    })
    const { resumes, tabstream } = await verdictAt(url, '--cut-after', '4')
    expect(resumes).toMatch(/^no: /)
    expect(tabstream).toBe(GAP)
  })

  test('a ticket in the URL that is good for one connection: it cannot tell, and why', async (context) => {
    const url = await serve(context, ({ count }, response) => {
      if (count > 1) return void response.writeHead(401, { 'content-type': 'text/plain' }).end('used')
      response.writeHead(200, STREAM)
      stream(response, [], (index) => numbered(index + 1))
    })
    const { resumes, tabstream, status } = await verdictAt(`${url}?ticket=once-and-no-more`)
    expect(resumes).toBe('cannot tell: the second request failed: the server answered with status 401')
    expect([tabstream, status]).toEqual(['not known', 0])
  })

  test('a stream that is begun by POST and resumed by GET: it cannot tell, and why', async (context) => {
    const url = await serve(context, ({ method, after }, response) => {
      if (method === 'POST' && after !== '') return void response.writeHead(400).end()
      response.writeHead(200, STREAM)
      const last = Number(/_(\d+)$/.exec(after)?.[1] ?? -1)
      stream(
        response,
        after === '' ? ['id: s1_0\nretry: 200\ndata: \n\n'] : [numbered(`s1_${last + 1}`)],
        (index) => numbered(`s1_${last + index + 2}`),
      )
    })
    const byPost = await verdictAt(url, '--body', '{"jsonrpc":"2.0"}')
    expect(byPost.resumes).toBe('cannot tell: the second request failed: the server answered with status 400')
    // What resumes such a stream can be tested by itself.
    const byGet = await verdictAt(url, '--last-event-id', 's1_0')
    expect([byGet.resumes, byGet.tabstream]).toEqual([
      'yes: this server replays what came after the ID',
      NO_GAP,
    ])
  })

  test('a query with a body, which may be made again: that it resumes', async (context) => {
    const methods = new Set<string>()
    const url = await serve(context, ({ method, after }, response) => {
      methods.add(method)
      response.writeHead(200, STREAM)
      const last = after.startsWith('tabstream-test') ? 0 : Number(after)
      stream(response, after === '' ? [] : [numbered(last + 1)], (index) => numbered(last + index + 2))
    })
    const { resumes } = await verdictAt(url, '--method', 'QUERY', '--body', 'load > 1')
    expect([...methods]).toEqual(['QUERY'])
    expect(resumes).toBe('yes: this server replays what came after the ID')
  })

  test('a backend that restarts behind its proxy: no stream, or that it cannot tell', async (context) => {
    const down = await serve(context, (_, response) => void response.writeHead(503).end())
    const { problem, status } = await verdictAt(down)
    expect([problem, status]).toEqual(['the server answered with status 503', 1])
    const restarting = await serve(context, ({ count }, response) => {
      if (count > 1) return void response.writeHead(502).end()
      response.writeHead(200, STREAM)
      stream(response, [], (index) => numbered(index + 1))
    })
    expect((await verdictAt(restarting)).resumes).toContain(
      'the second request failed: the server answered with status 502',
    )
  })

  test('an event that says that history is gone: a gap', async (context) => {
    const url = await serve(context, ({ count, after }, response) => {
      response.writeHead(200, STREAM)
      const reset = `event: stream-reset\nid: room:${count}00\ndata:\n\n`
      stream(response, after === '' ? [] : [reset], (index) => numbered(`room:${count}0${index + 1}`))
    })
    const { resumes, tabstream } = await verdictAt(url)
    expect(resumes).toMatch(/^no: /)
    expect(tabstream).toBe(GAP)
  })

  test('a script that polls a file, and writes the last line with each connection: a gap', async (context) => {
    const url = await serve(context, ({ count }, response) =>
      response.writeHead(200, STREAM).end(`retry: 100\n${numbered(1_000 + count)}`),
    )
    expect((await verdictAt(url)).tabstream).toBe(GAP)
  })
})

describe.concurrent('the preset', { retry: 2 }, () => {
  test.for([
    ['mercure', 'topic', 'last-event-id'],
    ['mercure-1', 'match', 'mercure-last-event-id'],
  ] as const)(
    '%s subscribes to topics, and reads after which update the hub has resumed',
    async ([preset, parameter, header], context) => {
      const topics: string[][] = []
      const id = (index: number) => `urn:uuid:${index}`
      const url = await serve(context, ({ url, after }, response) => {
        topics.push([url.pathname, ...url.searchParams.getAll(parameter)])
        const last = Number(after.replace('urn:uuid:', ''))
        const isKnown = after === '' || last < 1_000
        response.writeHead(200, {
          ...STREAM,
          ...(after !== '' && { [header]: isKnown ? after : 'earliest' }),
        })
        response.write(':\n')
        const next = after === '' || !isKnown ? 1 : last + 1
        stream(response, after === '' ? [] : [numbered(id(next))], (index) => numbered(id(next + index + 1)))
      })
      const hub = new URL(url).origin
      const { resumes, tabstream, text } = await verdictAt(
        hub,
        ...['--preset', preset, '--topic', 'https://a.test/1', '--topic', 'two'],
      )
      expect(topics[0]).toEqual(['/.well-known/mercure', 'https://a.test/1', 'two'])
      expect([resumes, tabstream]).toEqual(['yes: this server replays what came after the ID', NO_GAP])
      expect(text).toContain('says in the response header')
    },
  )

  test('ntfy subscribes to topics, and says how it resumes', async (context) => {
    const paths: string[] = []
    const message = (index: number, event = 'message') =>
      `${event === 'message' ? '' : `event: ${event}\n`}data: {"id":"x${index}","event":"${event}"}\n\n`
    const url = await serve(context, ({ url }, response) => {
      paths.push(url.pathname)
      response.writeHead(200, STREAM)
      stream(response, [message(0, 'open')], (index) =>
        message(index + 1, index % 3 === 2 ? 'keepalive' : 'message'),
      )
    })
    const { resumes, tabstream, text } = await verdictAt(
      new URL(url).origin,
      ...['--preset', 'ntfy', '--topic', 'alerts', '--topic', 'backups'],
    )
    expect(paths[0]).toBe('/alerts,backups/sse')
    expect([resumes, tabstream]).toEqual([
      'no: this server sends no IDs',
      'a gap (unresumable) after each lost connection',
    ])
    expect(text).toContain('It resumes by the parameter since= of the URL.')
  })

  test('wikimedia subscribes to streams, whose IDs are lists of places', async (context) => {
    const paths: string[] = []
    const id = (offset: number) =>
      JSON.stringify([
        { topic: 'eqiad.mediawiki.recentchange', partition: 0, offset },
        { topic: 'codfw', offset: -1 },
      ])
    const url = await serve(context, ({ url, after }, response) => {
      paths.push(url.pathname)
      response.writeHead(200, STREAM)
      response.write(':ok\n\n')
      const next = after.startsWith('[') ? (JSON.parse(after)[0].offset as number) + 1 : 1
      stream(response, after === '' ? [] : [numbered(id(next), `n${next}`)], (index) =>
        numbered(id(next + index + 1), `n${next + index + 1}`),
      )
    })
    const { resumes, tabstream } = await verdictAt(new URL(url).origin, '--preset', 'wikimedia')
    expect(paths[0]).toBe('/v2/stream/recentchange')
    expect([resumes, tabstream]).toEqual(['yes: this server replays what came after the ID', NO_GAP])
  })
})
