import { Agent, request as ask, createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { eventStream, type Handler, memoryLog, toNodeHandler } from '../../../src/server/index.ts'
import { Changes } from '../../browser/until.ts'

async function start(handler: Handler, onError = (_error: unknown) => {}): Promise<number> {
  const server = createServer(toNodeHandler(handler, { onError })).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

/** What a server answers to these bytes, up to the end of the connection. */
async function answerTo(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(bytes)
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}

const chunksOf = (size: number, count: number, onPull = (_count: number) => {}) => {
  let pulled = 0
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        onPull(++pulled)
        controller.enqueue(new Uint8Array(size))
        if (pulled === count) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

describe('what the handler is given', () => {
  test.each([
    ['/path?query=1', 'http://dash.test/path?query=1'],
    ['//other.test/path', 'http://dash.test//other.test/path'],
    ['http://proxied.test/path', 'http://proxied.test/path'],
  ])('for %s has the URL %s', async (target, url) => {
    const port = await start((request) => new Response(request.url))
    const answer = await answerTo(
      port,
      `GET ${target} HTTP/1.1\r\nhost: dash.test\r\nconnection: close\r\n\r\n`,
    )
    expect(answer).toContain(`\r\n${url}\r\n`)
  })

  test('has all headers, and the body', async () => {
    const port = await start(async (request) =>
      Response.json([request.method, request.headers.get('x'), await request.text()]),
    )
    const answer = await fetch(`http://127.0.0.1:${port}`, {
      method: 'POST',
      body: 'sent',
      headers: [
        ['x', '1'],
        ['x', '2'],
      ],
    })
    expect(await answer.json()).toEqual(['POST', '1, 2', 'sent'])
  })

  test('aborts when the client goes', async () => {
    const changes = new Changes()
    let signal: AbortSignal | undefined
    let isCancelled = false
    const port = await start((request) => {
      signal = request.signal
      signal.addEventListener('abort', () => changes.changed())
      return new Response(
        new ReadableStream({
          cancel() {
            isCancelled = true
            changes.changed()
          },
        }),
      )
    })
    const leaving = ask({ port, host: '127.0.0.1' })
    leaving.on('error', () => {})
    leaving.end()
    // The head comes before the body has anything.
    await new Promise((resolve) => leaving.once('response', resolve))
    expect(signal?.aborted).toBe(false)
    leaving.destroy()
    await changes.until(
      () => signal?.aborted === true && isCancelled,
      () => 'the end of the request',
    )
  })
})

describe('what the handler answers', () => {
  test('has its status and each of its cookies', async () => {
    const headers = new Headers({ 'x-one': '1' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    const port = await start(() => new Response('teapot', { status: 418, headers }))
    const answer = await fetch(`http://127.0.0.1:${port}`)
    expect([
      answer.status,
      answer.headers.get('x-one'),
      answer.headers.getSetCookie(),
      await answer.text(),
    ]).toEqual([418, '1', ['a=1', 'b=2'], 'teapot'])
  })

  test.each(['HEAD', 'GET'])('has no body for HEAD: %s', async (method) => {
    const port = await start(() => new Response('body'))
    const answer = await fetch(`http://127.0.0.1:${port}`, { method })
    expect(await answer.text()).toBe(method === 'HEAD' ? '' : 'body')
  })

  test('is read as fast as the client takes it', async () => {
    let most = 0
    const port = await start(
      () =>
        new Response(
          chunksOf(1_000_000, 100, (count) => {
            most = count
          }),
        ),
    )
    const reading = ask({ port, host: '127.0.0.1' })
    reading.end()
    const response = await new Promise<IncomingMessage>((resolve) => reading.once('response', resolve))
    response.pause()
    // The server goes on to answer others.
    for (let count = 0; count < 20; count++) {
      const other = ask({ port, host: '127.0.0.1', method: 'HEAD', path: '/other' })
      other.end()
      await new Promise((resolve) => other.once('response', resolve))
    }
    expect(most).toBeLessThan(50)
    let size = 0
    for await (const chunk of response) size += chunk.length
    expect(size).toBe(100_000_000)
  })

  test('is cut where its body fails', async () => {
    const port = await start(() => {
      let count = 0
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (count++ === 0) controller.enqueue(new TextEncoder().encode('begun'))
            else controller.error(new Error('gone'))
          },
        }),
      )
    })
    const answer = await fetch(`http://127.0.0.1:${port}`)
    await expect(answer.text()).rejects.toThrow()
  })

  test('is a 500 where it throws, and others are served', async () => {
    const errors: unknown[] = []
    const port = await start(
      ({ url }) => {
        if (url.endsWith('/bad')) throw new Error('bug')
        return new Response('good')
      },
      (error) => errors.push(error),
    )
    expect((await fetch(`http://127.0.0.1:${port}/bad`)).status).toBe(500)
    expect(await (await fetch(`http://127.0.0.1:${port}/good`)).text()).toBe('good')
    expect(errors).toEqual([new Error('bug')])
  })
})

/** A handler that is not of `toNodeHandler()`: it passes on what a response says. */
const passOn =
  (handler: Handler): RequestListener =>
  async (incoming, outgoing) => {
    const { status, headers, body } = await handler(new Request(`http://own.test${incoming.url}`))
    outgoing.writeHead(status, Object.fromEntries(headers))
    for await (const chunk of body ?? []) outgoing.write(chunk)
    outgoing.end()
  }

describe('a server that closes is not kept by a client that comes back on its connection', () => {
  test.each([
    ['toNodeHandler()', toNodeHandler, 1],
    // The head has been sent before anybody knows that the server will close.
    ['a handler of its own', passOn, 2],
  ])('%s', async (_, listenerOf, count) => {
    const log = memoryLog()
    const ending = new AbortController()
    const { signal } = ending
    const server = createServer(
      listenerOf((request) => eventStream(request, log, { topics: ['news'], signal })),
    )
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => {
      agent.destroy()
      server.closeAllConnections()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    let answers = 0
    const comeBack = (onEnd: (error: Error) => void) => {
      const request = ask({ port, agent }, (response) => {
        answers++
        if (server.listening) {
          ending.abort()
          server.close()
        }
        response.resume().once('close', () => setImmediate(comeBack, onEnd))
      })
      request.once('error', onEnd).end()
    }
    expect(await new Promise<Error>(comeBack)).toMatchObject({ code: 'ECONNREFUSED' })
    expect(answers).toBe(count)
  })

  test('toNodeHandler(), HTTP/2', async () => {
    const log = memoryLog()
    const ending = new AbortController()
    const { signal } = ending
    const server = createHttp2(
      toNodeHandler((request) => eventStream(request, log, { topics: ['news'], signal })),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    onTestFinished(() => session.destroy())
    let answers = 0
    const comeBack = () => {
      if (session.closed) return
      const stream = session.request({ ':path': '/' })
      // Each ends when the server has said that it ends.
      stream.once('response', () => {
        answers++
        ending.abort()
      })
      stream.resume().once('close', () => setImmediate(comeBack))
    }
    comeBack()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await new Promise((resolve) => server.close(resolve))
    expect(answers).toBe(1)
  })

  test('a response that is no event stream keeps its connection', async () => {
    const port = await start(() => new Response('text'))
    const { headers } = await fetch(`http://127.0.0.1:${port}`)
    expect(headers.get('connection')).toBe('keep-alive')
  })
})

test('HTTP/2 is served alike', async () => {
  const handler = toNodeHandler(
    ({ url, headers }) =>
      new Response(`${url} ${headers.get('x')}`, { headers: { 'x-answer': '1', connection: 'close' } }),
  )
  const warnings: Error[] = []
  const warn = (warning: Error) => warnings.push(warning)
  process.on('warning', warn)
  onTestFinished(() => void process.off('warning', warn))
  const server = createHttp2(handler).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    session.destroy()
    server.close()
  })
  const stream = session.request({ ':path': '/path', ':authority': 'dash.test', x: '1' }).setEncoding('utf8')
  const head = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve))
  let text = ''
  for await (const chunk of stream) text += chunk
  expect([head[':status'], head['x-answer'], text]).toEqual([200, '1', 'http://dash.test/path 1'])
  expect(warnings).toEqual([])
})
