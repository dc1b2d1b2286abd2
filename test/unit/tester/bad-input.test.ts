import { spawn } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { networkErrorInWords } from '../../../src/tester/network-error.ts'
import { certificate } from '../../browser/certificate.ts'
import { listen } from './scripted.ts'
import { tabstream } from './tool.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

const STREAM = { 'content-type': 'text/event-stream' }

const serve = (listener: RequestListener): Promise<string> =>
  listen({ onTestFinished }, createServer(listener))

describe('a command that is wrong is refused with status 2, and a line that says what to do', () => {
  test.each([
    [[], 'there is nothing to do: tabstream test URL'],
    [['look', 'http://a.test'], 'there is no command "look"'],
    [['test'], 'there is no URL'],
    [['test', 'dash.test/events'], 'this is no URL: it begins with http:// or https://'],
    [['test', 'http://'], 'this is no URL'],
    [['test', 'ftp://a.test/'], 'a URL of scheme "ftp:" cannot be tested'],
    [['test', 'http://a.test', 'http://b.test'], 'there is more than one URL'],
    [['test', 'http://a.test', '--expct', 'resumes'], "Unknown option '--expct'"],
    [['test', 'http://a.test', '--duration'], "Option '--duration <value>' argument missing"],
    [['test', 'http://a.test', '--duration', 'long'], '--duration is a time'],
    [['test', 'http://a.test', '--duration', '0'], '--duration is a time'],
    [['test', 'http://a.test', '--duration', '2h'], '--duration is a time'],
    [['test', 'http://a.test', '--cut-after', '-1'], "Option '--cut-after' argument is ambiguous"],
    [['test', 'http://a.test', '--cut-after', 'three'], '--cut-after is a number of events'],
    [['test', 'http://a.test', '--method', 'A B'], '--method is no name of a method'],
    [['test', 'http://a.test', '--method', 'GET', '--body', 'x'], '--body cannot go along with GET'],
    [['test', 'http://a.test', '--body', '@/no/such/file'], '--body cannot be read from the file: ENOENT'],
    [
      ['test', 'http://a.test', '--header', 'authorization'],
      "--header needs a name and a value: 'NAME: VALUE'",
    ],
    [['test', 'http://a.test', '--header', 'a b: c'], '--header has a name that is none'],
    [
      ['test', 'http://a.test', '--header', 'a: b\nc: d'],
      'the header a has characters that no header can have',
    ],
    [
      ['test', 'http://a.test', '--header', 'cookie: a=b'],
      '--header cannot be Cookie, as in browsers: use --cookie',
    ],
    [['test', 'http://a.test', '--origin', 'app.example/page'], '--origin is a scheme and a host'],
    [['test', 'http://a.test', '--expect', 'wonders'], 'nothing can be expected as "wonders"'],
    [['test', 'http://a.test', '--expect', 'event:cpu>=many'], 'nothing can be expected as'],
    [['test', 'http://a.test', '--expect', 'cors'], '--expect cors needs the --origin'],
    [['test', 'http://a.test', '--within', '5s'], '--within needs an --expect'],
    [['test', 'http://a.test', '--topic', 'a'], '--topic needs a --preset'],
    [['test', 'http://a.test', '--preset', 'kafka'], 'there is no preset "kafka": it is one of mercure'],
    [['test', 'http://a.test', '--preset', 'toString'], 'there is no preset "toString"'],
    [['test', 'http://a.test', '--preset', 'mercure'], '--preset mercure needs a topic'],
    [['test', '--preset', 'nchan', '--topic', 'a'], '--preset nchan needs the URL of the server'],
    [['test', 'http://a.test', '--copy-as', 'wget'], '--copy-as knows no "wget": it is one of curl'],
  ])('%j', async (args, words) => {
    const { status, text, errors } = await tabstream(...args)
    expect([status, text]).toEqual([2, ''])
    expect(errors).toContain(`tabstream: ${words}`)
    expect(errors.trimEnd()).not.toContain('\n')
  })
})

/** What is said instead of a verdict, with status 1. */
async function problemAt(url: string, ...args: readonly string[]): Promise<string> {
  const { status, text, errors } = await tabstream('test', url, '--duration', '1s', '--json', ...args)
  expect([status, errors]).toEqual([1, ''])
  return (JSON.parse(text) as { problem: string }).problem
}

describe('a server that is no stream has status 1, and a line that says why', () => {
  test('nothing listens', async () => {
    const server = createSocketServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const problem = await problemAt(`http://127.0.0.1:${port}/`)
    expect(problem).toBe(`connection refused: nothing listens at 127.0.0.1:${port}`)
  })

  test('a name without an address', async () => {
    const problem = await problemAt('http://tabstream.invalid/')
    expect(problem).toMatch(/^the name in tabstream\.invalid (?:has no address|cannot be resolved now)$/)
  })

  test('a certificate that nobody trusts', async () => {
    const server = createSecureServer(certificate(), (_, response) => response.end())
    const url = (await listen({ onTestFinished }, server)).replace('http:', 'https:')
    expect(await problemAt(url)).toMatch(/^TLS: the certificate of 127\.0\.0\.1:\d+ is .*NODE_EXTRA_CA_CERTS/)
  })

  test('TLS is asked of a server that speaks none', async () => {
    const url = await serve((_, response) => response.end())
    expect(await problemAt(url.replace('http:', 'https:'))).toMatch(
      /^TLS: 127\.0\.0\.1:\d+ does not speak TLS/,
    )
  })

  test('it speaks HTTP/2 only', () => {
    const error = { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' }
    expect(networkErrorInWords(error, new URL('https://dash.test/'))).toBe(
      'dash.test speaks HTTP/2 only, and this command speaks HTTP/1.1',
    )
  })

  test('it speaks another protocol', async () => {
    const server = createSocketServer((socket) => socket.end('220 mail.test ESMTP\r\n'))
    server.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    expect(await problemAt(`http://127.0.0.1:${port}/`)).toContain('does not speak HTTP/1.1')
  })

  test('it closes the connection', async () => {
    const url = await serve((request) => request.socket.destroy())
    expect(await problemAt(url)).toContain('has closed the connection without a response')
  })

  test('it does not answer', async () => {
    const url = await serve(() => {})
    expect(await problemAt(url)).toMatch(/^no response came within \d\.\d s, not even its head$/)
  })

  test('HTML', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>\n<title>Log in</title>')
    })
    expect(await problemAt(url)).toBe(
      'the server answered with content type "text/html": <!doctype html> <title>Log in</title>',
    )
  })

  test('status 204', async () => {
    const url = await serve((_, response) => response.writeHead(204).end())
    expect(await problemAt(url)).toBe('the server answered with status 204')
  })

  test('a redirect with a header that is not sent elsewhere', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: '/other' }).end())
    expect(await problemAt(url, '--header', 'authorization: Bearer abc')).toContain(
      'the server redirects the request',
    )
  })

  test('redirects without end', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: '/again' }).end())
    expect(await problemAt(url)).toBe('the server has redirected more than 20 times')
  })

  test('a redirect to a file', async () => {
    const url = await serve((_, response) =>
      response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    )
    expect(await problemAt(url)).toBe('the server redirects to a URL of scheme "file:"')
  })

  test('a body that is not compressed as it says', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { ...STREAM, 'content-encoding': 'gzip' }).end('data: plain\n\n')
    })
    expect(await problemAt(url)).toBe('the body is not compressed as Content-Encoding says')
  })

  test('a head that is too large', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { ...STREAM, 'x-much': 'x'.repeat(20_000) }).end()
    })
    expect(await problemAt(url)).toContain('is larger than 16 kB')
  })

  test('a user name in the URL', async () => {
    const url = await serve((_, response) => response.end())
    const problem = await problemAt(url.replace('http://', 'http://someone:pass-phrase@'))
    expect(problem).toBe('a URL with a user name or password cannot be fetched; send them in a header')
  })
})

test('what a server sends cannot move the cursor of a terminal', async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, STREAM).end('event: \u001b[2J\ndata: \u001b]0;title\u0007\n\n:\u009b31m\n\n')
  })
  const { text } = await tabstream('test', url, '--duration', '1s', '--raw')
  expect(text).toContain('\\u001b[2J')
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})

/** What the command says in a process of its own, and how much memory that took, in MB. */
async function inProcess(...args: readonly string[]) {
  const tell = 'process.on("exit",()=>console.error("rss "+process.resourceUsage().maxRSS))'
  const cli = join(import.meta.dirname, '../../../dist/cli.js')
  const child = spawn(process.execPath, ['--import', `data:text/javascript,${tell}`, cli, ...args])
  onTestFinished(() => void child.kill())
  let text = ''
  let errors = ''
  child.stdout.on('data', (more) => {
    text += more
  })
  child.stderr.on('data', (more) => {
    errors += more
  })
  const status = await new Promise((resolve) => child.once('close', resolve))
  return { status, text, errors, megabytes: Number(/rss (\d+)/.exec(errors)?.[1]) / 1_024 }
}

/** Node itself takes 45. */
const MOST_MEGABYTES = 200

/** A server that writes this as fast as it is read, on each connection. */
const flood = (first: string, again: string): Promise<string> =>
  serve((_, response) => {
    response.writeHead(200, STREAM).write(first)
    const write = () => {
      while (!response.destroyed && response.write(again));
    }
    response.on('drain', write)
    write()
  })

describe('memory is bounded', { timeout: 30_000 }, () => {
  test('where a line of data has no end', async () => {
    const url = await flood('data: ', 'x'.repeat(65_536))
    const { status, text, megabytes } = await inProcess('test', url, '--duration', '8s', '--json')
    expect(JSON.parse(text).problem).toBe('the server sent an event of more than 8,388,608 characters')
    expect(status).toBe(1)
    expect(megabytes).toBeLessThan(MOST_MEGABYTES)
  })

  test('where a comment has no end', async () => {
    const url = await flood(': ', 'x'.repeat(65_536))
    const { text, megabytes } = await inProcess('test', url, '--duration', '1s', '--json')
    const { checks, connections } = JSON.parse(text)
    expect(connections[0].bytes).toBeGreaterThan(5_000_000)
    expect(checks.find(({ name }: { name: string }) => name === 'lines').words).toContain(
      'without the end of a line',
    )
    expect(megabytes).toBeLessThan(MOST_MEGABYTES)
  })

  test('where a server sends as fast as it can', async () => {
    const url = await flood('', `id: 1\ndata: ${'x'.repeat(100)}\n\n`.repeat(500))
    const { status, text, megabytes } = await inProcess(
      'test',
      url,
      '--cut-after',
      '0',
      '--duration',
      '3s',
      '--json',
    )
    expect(JSON.parse(text).connections[0].bytes).toBeGreaterThan(10_000_000)
    expect(status).toBe(0)
    expect(megabytes).toBeLessThan(MOST_MEGABYTES)
  })
})
