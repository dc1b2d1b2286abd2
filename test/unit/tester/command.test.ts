import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { describe, expect, test, vi } from 'vitest'
import type { Report } from '../../../src/tester/report.ts'
import { certificate } from '../../browser/certificate.ts'
import { type Finishing, listen } from './scripted.ts'
import { tabstream, tabstreamBy } from './tool.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

const STREAM = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
}

const serve = (context: Finishing, listener: RequestListener): Promise<string> =>
  listen(context, createServer(listener))

/** A server that resumes, and has sent so many events. It sends one every 60 ms, and a comment with the head. */
function feed(request: IncomingMessage, response: ServerResponse, headers = {}): void {
  response.writeHead(200, { ...STREAM, ...headers })
  response.write('retry: 200\n: welcome\n\n')
  let next = Number(request.headers['last-event-id'] ?? 0) + 1
  const send = () => response.write(`id: ${next}\nevent: ${next % 2 ? 'cpu' : 'disk'}\ndata: n${next++}\n\n`)
  if (next > 1) send()
  const timer = setInterval(send, 60)
  response.on('close', () => clearInterval(timer))
}

async function reportOn(url: string, ...args: readonly string[]): Promise<Report> {
  const { text } = await tabstream('test', url, '--json', ...args)
  return JSON.parse(text) as Report
}

const checkOf = ({ checks }: Report, name: string) =>
  checks.filter((one) => one.name === name).map(({ result, words }) => `${result}: ${words}`)

/** On a busy machine events may come in bursts. */
const PATIENT = { retry: 2 }

describe.concurrent('the report', PATIENT, () => {
  test('has the connections, each with what was asked and what came', async (context) => {
    const url = await serve(context, feed)
    const { connections, resumes } = await reportOn(url, '--cut-after', '4', '--duration', '2s')
    expect(connections.map(({ purpose, resumeAfter }) => [purpose, resumeAfter])).toEqual([
      ['begin', ''],
      ['one event earlier', '3'],
      ['last ID', '4'],
      ['unknown ID', expect.stringMatching(/^tabstream-test-/)],
    ])
    const [first, second] = connections
    expect(first?.frames.slice(0, 3)).toEqual([
      { type: 'comment', text: 'welcome', size: 10, at: expect.any(Number), delta: expect.any(Number) },
      { type: 'retry', retry: 200, size: 12, at: expect.any(Number), delta: expect.any(Number) },
      {
        type: 'event',
        name: 'cpu',
        id: '1',
        data: 'n1',
        size: 27,
        at: expect.any(Number),
        delta: expect.any(Number),
      },
    ])
    expect([first?.events, first?.comments, first?.end]).toEqual([4, 1, 'cut after 4 events'])
    expect([second?.firstId, second?.overlap, second?.delay]).toEqual(['4', 1, 200])
    expect(resumes.tabstream).toBe('everything, once: no gap')
  })

  test('has the bytes as they came, with the borders of the chunks', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, STREAM).write('data: on')
      setTimeout(() => response.end('e\n\ndata: zwölf\n\n'), 100)
    })
    const [first] = (await reportOn(url, '--duration', '1s')).connections
    expect(first?.text).toBe('data: one\n\ndata: zwölf\n\n')
    expect(
      first?.chunks.map(({ size, offset, endsInEvent, events }) => [size, offset, endsInEvent, events]),
    ).toEqual([
      [8, 0, true, 0],
      [17, 8, false, 2],
    ])
    const { text } = await tabstream('test', url, '--duration', '1s', '--raw')
    expect(text).toMatch(/\| +[\d.]+ ms +8 B "data: on"\n +\| +[\d.]+ ms +17 B "e\\n\\ndata: zwölf\\n\\n"\n/)
  })

  test('shows IDs without an event, and lines that mean nothing', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, STREAM).end('id: 7\r\n\r\nid: 8\rtopic: cpu\rdata: a\rdata: b\r\r')
    })
    const [first] = (await reportOn(url, '--duration', '1s')).connections
    expect(first?.frames.map(({ at, delta, ...frame }) => frame)).toEqual([
      { type: 'id', id: '7', size: 9 },
      { type: 'event', name: 'message', id: '8', data: 'a\nb', size: 34, unknown: ['topic: cpu'] },
    ])
  })

  test('is of a connection more where only the second one brings another ID', async (context) => {
    let count = 0
    const url = await serve(context, (request, response) => {
      const after = Number(request.headers['last-event-id'] ?? 0)
      const newest = Math.min(++count, 3)
      response.writeHead(200, STREAM).write(': welcome\n\n')
      for (let id = after + 1; id <= newest; id++) response.write(`id: ${id}\ndata: n${id}\n\n`)
    })
    const { connections, resumes } = await reportOn(url, '--duration', '500ms')
    const asked = connections.map(({ resumeAfter }) => resumeAfter)
    expect(asked.slice(0, 4)).toEqual(['', '1', '1', '2'])
    expect([resumes.answer, resumes.category]).toEqual(['yes', 'after'])
  })

  test('has redirects, and is about where they lead', async (context) => {
    const url = await serve(context, (request, response) => {
      if (request.url === '/events') response.writeHead(307, { location: '/feed' }).end()
      else feed(request, response)
    })
    const { connections, resumes } = await reportOn(url, '--duration', '2s')
    expect(connections[0]?.redirects).toEqual([{ status: 307, from: url, to: url.replace('events', 'feed') }])
    expect(resumes.category).toBe('after')
  })
})

describe.concurrent('the request', PATIENT, () => {
  test('has method, headers, cookies, body and the ID to begin with', async (context) => {
    const asked: unknown[] = []
    const url = await serve(context, async (request, response) => {
      let body = ''
      for await (const more of request) body += more
      const { cookie, authorization, 'content-type': type, 'last-event-id': id, accept } = request.headers
      asked.push([request.method, body, cookie, authorization, type, id, accept])
      response.writeHead(200, STREAM).end('data: done\n\n')
    })
    await tabstream(
      ...['test', url, '--body', '{"prompt":"Hello?"}', '--cookie', 'a=b', '--cookie', 'c=d'],
      ...['--header', 'Authorization: Bearer abc', '--last-event-id', 'ü7', '--duration', '1s'],
    )
    const id = Buffer.from('ü7').toString('latin1')
    // A POST without IDs is not made again.
    expect(asked).toEqual([
      ['POST', '{"prompt":"Hello?"}', 'a=b; c=d', 'Bearer abc', 'application/json', id, 'text/event-stream'],
    ])
  })

  test.each([
    [
      'mercure',
      'https://hub.test',
      ['a/{b}', 'c'],
      'https://hub.test/.well-known/mercure?topic=a%2F%7Bb%7D&topic=c',
    ],
    ['mercure-1', 'https://hub.test', ['a', 'c'], 'https://hub.test/.well-known/mercure?match=a&match=c'],
    ['nchan', 'https://hub.test/live', ['a', 'c'], 'https://hub.test/live/a,c'],
    ['ntfy', 'https://ntfy.test', ['a', 'c'], 'https://ntfy.test/a,c/sse'],
    ['wikimedia', undefined, [], 'https://stream.wikimedia.org/v2/stream/recentchange'],
    ['centrifugo', 'https://hub.test', ['a'], 'https://hub.test/connection/uni_sse?cf_connect=***'],
  ])('is made by the preset %s', async (preset, base, topics, address) => {
    const args = [...(base === undefined ? [] : [base]), '--preset', preset, '--copy-as', 'curl']
    const { text, status } = await tabstream(
      'test',
      ...args,
      ...topics.flatMap((topic) => ['--topic', topic]),
    )
    expect([text, status]).toEqual([`curl -N -H 'accept: text/event-stream' '${address}'\n`, 0])
  })

  const rich = ['--header', "x-note: it's", '--body', "it's", '--cookie', 'a=b', '--show-secrets']

  test.each([
    [
      'curl',
      `curl -N -H 'accept: text/event-stream' -H 'x-note: it'\\''s' -b 'a=b' --data-raw 'it'\\''s' 'http://dash.test/?q=1'\n`,
    ],
    [
      'eventsource',
      `// EventSource cannot send the method POST, headers, a body: use connect().\n` +
        `const events = new EventSource('http://dash.test/?q=1', { withCredentials: true })\n`,
    ],
    [
      'connect',
      `import { connect } from 'tabstream'\n\nconst stream = connect('http://dash.test/?q=1', {\n  method: 'POST',\n` +
        `  headers: { 'x-note': 'it\\'s' },\n  body: 'it\\'s',\n  credentials: 'include',\n})\n`,
    ],
  ])('can be copied as %s', async (format, code) => {
    expect((await tabstream('test', 'http://dash.test/?q=1', ...rich, '--copy-as', format)).text).toBe(code)
  })
})

describe.concurrent('expectations', PATIENT, () => {
  test('that are met have status 0', async (context) => {
    const url = await serve(context, (request, response) =>
      feed(request, response, { 'access-control-allow-origin': '*' }),
    )
    const expected = [
      'resumes',
      'unbuffered',
      'ids',
      'events>=3',
      'event:cpu>=2',
      'event:mem=0',
      'events<100',
    ]
    const { status, text } = await tabstream(
      ...['test', url, '--duration', '2s', '--within', '1s'],
      ...expected.flatMap((one) => ['--expect', one]),
    )
    expect(text.match(/^ {2}met {2}.*?(?=: )/gm)).toEqual(expected.map((one) => `  met  ${one}`))
    expect(status).toBe(0)
  })

  test('that are not met have status 1, and say what was found', async (context) => {
    const url = await serve(context, (_, response) =>
      response.writeHead(200, STREAM).end('data: a\n\ndata: b\n\n'),
    )
    const expected = ['resumes', 'unbuffered', 'ids', 'events>=3', 'event:cpu>=1', 'heartbeat<=30']
    const { status, text } = await tabstream(
      ...['test', url, '--duration', '300ms'],
      ...expected.flatMap((one) => ['--expect', one]),
    )
    expect(text.match(/^ {2}NOT MET {2}.*?(?=: )/gm)).toEqual(expected.map((one) => `  NOT MET  ${one}`))
    expect(text).toContain('NOT MET  ids: 0 of 2 events had an ID')
    expect(status).toBe(1)
  })

  test('of a heartbeat keep the stream open as long as they have to', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, STREAM).write(': welcome\n\n')
      const timer = setInterval(() => response.write(': alive\n\n'), 300)
      response.on('close', () => clearInterval(timer))
    })
    const ask = async (limit: string) =>
      (await tabstream('test', url, '--duration', '1500ms', '--expect', limit)).status
    expect(await Promise.all([ask('heartbeat<=1'), ask('heartbeat<=0.2')])).toEqual([0, 1])
  })
})

describe.concurrent('checks', PATIENT, () => {
  test('of a good server are good', async (context) => {
    const report = await reportOn(await serve(context, feed), '--duration', '2s')
    expect(checkOf(report, 'content type')).toEqual(['good: text/event-stream; charset=utf-8'])
    expect(checkOf(report, 'status')).toEqual(['good: 200'])
    expect(checkOf(report, 'retry')).toEqual(['good: 200 ms'])
    expect(checkOf(report, 'HTTP')[0]).toContain('HTTP/1.1 was used: browsers open at most six connections')
    expect(checkOf(report, 'heartbeat')[0]).toMatch(
      /^not known: the longest silence was 0\.\d s of 0\.\d s; 1 comment came/,
    )
  })

  test('find a charset that is none, a short retry, a late first byte and an event without its end', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=latin1' }).flushHeaders()
      setTimeout(() => response.end('retry: 5\ndata: a\n\ndata: done\n'), 1_100)
    })
    const report = await reportOn(url, '--duration', '2s', '--cut-after', '1')
    expect(checkOf(report, 'charset')).toEqual(['bad: latin1: an event stream is always read as UTF-8'])
    expect(checkOf(report, 'first byte')[0]).toMatch(/^warning: it came 1\.\d s after the head/)
    expect(checkOf(report, 'last event')).toEqual([
      'bad: it lacks its blank line, so EventSource does not dispatch it',
    ])
    expect(checkOf(report, 'retry')).toEqual(['warning: 5 ms: so short that tabstream waits 100 ms'])
  })

  test('find bytes that are no UTF-8', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, STREAM).end(Buffer.from('data: f\xfcnf\n\n', 'latin1'))
    })
    expect(checkOf(await reportOn(url, '--duration', '1s'), 'charset')[0]).toContain(
      'some bytes are no UTF-8',
    )
  })

  test('of 204 say that the stream is over', async (context) => {
    const url = await serve(context, (_, response) => response.writeHead(204).end())
    expect(checkOf(await reportOn(url), 'status')[0]).toContain('204: the stream is over for good')
  })

  test('tell that a server offers HTTP/2', async (context) => {
    const server = createSecureServer({ ...certificate(), allowHTTP1: true }, (request, response) =>
      feed(request as never, response as never),
    )
    const url = (await listen(context, server as never)).replace('http:', 'https:')
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    context.onTestFinished(() => {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    })
    expect(checkOf(await reportOn(url, '--duration', '2s'), 'HTTP')).toEqual([
      'good: HTTP/1.1 was used; the server offers HTTP/2, which browsers use',
    ])
  })
})

describe.concurrent('a user who looks on', PATIENT, () => {
  test('sees frames as they come, and cuts connections by hand', async (context) => {
    const url = await serve(context, feed)
    const seen: string[] = []
    let isCut = false
    const { text, status } = await tabstreamBy(
      (text, enter) => {
        seen.push(text)
        if (isCut || !text.includes('"n7"')) return
        isCut = true
        enter()
      },
      ...['test', url, '--cut-after', '0', '--duration', '10s', '--cut-on-enter'],
    )
    const withFirst = seen.find((text) => text.includes('"n1"'))
    expect(withFirst).toMatch(/Connection 1: first connection\n {2}HTTP\/1\.1 200/)
    expect(withFirst).not.toContain('"n2"')
    expect(text).toMatch(/ {2}cut by hand after [78] events, after/)
    expect(text).toContain('Does it resume? yes: this server replays what came after the ID')
    expect(status).toBe(0)
  })

  test('is shown no secret that comes before the end', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, { ...STREAM, 'set-cookie': 'sid=cookie-of-the-server' })
      response.write('id: 1\ndata: cookie-of-the-server\n\n')
    })
    const { text } = await tabstream('test', url, '--duration', '500ms')
    expect(text).toContain('id "1" "***"')
    expect(text).not.toContain('cookie-of-the-server')
  })
})

describe.concurrent('CORS', PATIENT, () => {
  const ORIGIN = 'https://app.example'

  /** A server that answers a preflight with these headers, and all else with those. */
  const serveCors = (
    context: Finishing,
    preflight: number,
    onPreflight: object,
    onStream: object,
  ): Promise<string> =>
    serve(context, (request, response) => {
      if (request.method === 'OPTIONS') response.writeHead(preflight, { ...onPreflight }).end()
      else feed(request, response, onStream)
    })

  const corsAt = async (url: string, ...args: readonly string[]) => {
    const report = await reportOn(url, '--origin', ORIGIN, '--duration', '2s', ...args)
    return [...checkOf(report, 'CORS'), ...checkOf(report, 'preflight'), ...checkOf(report, 'exposed')]
  }

  const permits = { 'access-control-allow-origin': ORIGIN }
  const allows = { ...permits, 'access-control-allow-headers': 'Last-Event-ID, X-Note' }

  test('is good where origin and headers are permitted', async (context) => {
    const url = await serveCors(context, 204, allows, permits)
    expect(await corsAt(url, '--header', 'x-note: a')).toEqual([
      `good: Access-Control-Allow-Origin: ${ORIGIN}`,
      'good: last-event-id, x-note may be sent',
    ])
  })

  const bad: [string, number, object, object, string[]][] = [
    [
      'nothing is permitted',
      204,
      {},
      {},
      [`it says nothing`, `it must say "Access-Control-Allow-Origin: ${ORIGIN}"`],
    ],
    ['OPTIONS is refused', 405, {}, permits, ['Access-Control-Allow-Origin', 'OPTIONS is answered with 405']],
    [
      'the header is not permitted',
      204,
      permits,
      permits,
      ['', '"Access-Control-Allow-Headers: last-event-id"'],
    ],
  ]

  test.for(bad)('is bad where %s', async ([, status, onPreflight, onStream, words], context) => {
    const checks = await corsAt(await serveCors(context, status, onPreflight, onStream))
    expect(checks).toEqual(words.map((part) => expect.stringContaining(part)))
    expect(checks[1]).toMatch(/^bad: /)
  })

  test('is bad where a star stands for everything, and cookies are sent', async (context) => {
    const any = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' }
    const checks = await corsAt(await serveCors(context, 204, any, any), '--cookie', 'a=b')
    expect(checks.map((check) => check.slice(0, 4))).toEqual(['bad:', 'bad:', 'bad:'])
  })

  test('warns where no page can read after which ID a server has resumed', async (context) => {
    const url = await serveCors(context, 204, allows, { ...permits, 'mercure-last-event-id': 'earliest' })
    expect((await corsAt(url))[2]).toMatch(/^warning: .*Mercure-Last-Event-ID/)
  })
})

test('help and version', async () => {
  expect((await tabstream('--version')).text).toBe('1.2.3\n')
  const { text, status } = await tabstream('--help')
  expect([text.split('\n')[0], status]).toEqual(['Usage: tabstream test URL [options]', 0])
  expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThan(130)
})
