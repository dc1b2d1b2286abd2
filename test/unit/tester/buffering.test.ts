import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as ask, createServer, type RequestListener, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import type { Report } from '../../../src/tester/report.ts'
import { freePort, isListening } from '../../ports.mjs'
import { type Finishing, listen } from './scripted.ts'
import { tabstream } from './tool.ts'
import { serveKind } from './virtual-kind.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
}

const serve = (context: Finishing, listener: RequestListener): Promise<string> =>
  listen(context, createServer(listener))

/** Without IDs, so that the tester does not ask for a resumption. */
const eventOf = (size = 121): string => `data: ${'x'.repeat(size)}\n\n`

/** Calls this every so many ms, until the response is closed. */
function every(milliseconds: number, response: ServerResponse, act: (count: number) => void): void {
  let count = 0
  const timer = setInterval(() => act(++count), milliseconds)
  response.on('close', () => clearInterval(timer))
}

/** Sends an event at a time. */
const steady = (context: Finishing, milliseconds: number, headers = {}): Promise<string> =>
  serve(context, (_, response) => {
    response.writeHead(200, { ...HEADERS, ...headers }).flushHeaders()
    every(milliseconds, response, () => response.write(eventOf()))
  })

/** A proxy that passes on full buffers only, and the rest at the end. */
const buffering = (context: Finishing, upstream: string, size: number): Promise<string> =>
  serve(context, (request, response) => {
    const { url: path, headers } = request
    const asked = ask(new URL(path ?? '', upstream), { headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers).flushHeaders()
      let held = Buffer.alloc(0)
      answer.on('data', (bytes: Buffer) => {
        held = Buffer.concat([held, bytes])
        for (; held.length >= size; held = held.subarray(size)) response.write(held.subarray(0, size))
      })
      answer.on('end', () => response.end(held))
      answer.on('error', () => response.destroy())
    })
    asked.on('error', () => response.destroy())
    response.on('close', () => asked.destroy())
    asked.end()
  })

async function buffersAt(url: string, ...args: readonly string[]): Promise<Report['buffers']> {
  const { text } = await tabstream('test', url, '--json', ...args)
  return (JSON.parse(text) as Report).buffers
}

// On a busy machine these servers and proxies stand still themselves. `buffering-verdict.test.ts` has the same without time.
const PATIENT = { retry: 3 }

describe.concurrent('whether something is buffering', PATIENT, () => {
  test('no: events come one by one', async (context) => {
    const { answer, evidence } = await buffersAt(await steady(context, 100), '--duration', '3s')
    expect([answer, evidence]).toEqual(['no', [expect.stringContaining('of at most 1 event each')]])
  })

  test('no: a server sends as fast as it can', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, HEADERS)
      every(1, response, () => response.write(eventOf().repeat(20)))
    })
    expect((await buffersAt(url, '--duration', '2s')).answer).toBe('no')
  })

  test('yes: a proxy passes on full buffers only, which end within events', async (context) => {
    const url = await buffering(context, await steady(context, 10), 4_096)
    const { answer, words, evidence } = await buffersAt(url, '--duration', '3s')
    expect([answer, words]).toEqual(['yes', 'something holds bytes back and sends them in bursts'])
    expect(evidence[0]).toMatch(/^\d+ bursts of 4\.1 kB to 4\.1 kB ended within an event/)
  })

  test('yes: bursts end with events, and are as large as a buffer', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, HEADERS).flushHeaders()
      every(300, response, () => response.write(eventOf(112).repeat(34)))
    })
    const { answer, evidence } = await buffersAt(url, '--duration', '2s', '--cut-after', '0')
    expect([answer, evidence[0]]).toEqual([
      'yes',
      expect.stringMatching(/^\d bursts of 4\.1 kB to 4\.1 kB came/),
    ])
  })

  test('maybe: a server can send a few events at a time by itself', async (context) => {
    const url = await serve(context, (_, response) => {
      response.writeHead(200, HEADERS).flushHeaders()
      every(300, response, (count) => response.write(eventOf().repeat(3 + (count % 3))))
    })
    const { answer, evidence } = await buffersAt(url, '--duration', '2s', '--cut-after', '0')
    expect([answer, evidence[0]]).toEqual([
      'maybe',
      expect.stringMatching(/^\d bursts of 3 to 5 events came/),
    ])
  })

  test('yes: nothing comes before the end of the response', async (context) => {
    const upstream = await serve(context, (_, response) => {
      response.writeHead(200, HEADERS).flushHeaders()
      every(150, response, (count) => (count > 8 ? response.end() : response.write(eventOf())))
    })
    const { answer, evidence } = await buffersAt(await buffering(context, upstream, 1e6), '--duration', '3s')
    expect([answer, evidence[0]]).toEqual([
      'yes',
      expect.stringMatching(/^nothing came for 1\.\d s, then 8 events and the end/),
    ])
  })

  test('cannot tell: the head comes, and then nothing', async (context) => {
    const { answer, words } = await buffersAt(
      await buffering(context, await steady(context, 50), 1e6),
      '--duration',
      '1s',
    )
    expect([answer, words]).toEqual([
      'cannot tell',
      expect.stringContaining('the head came, and no byte after it'),
    ])
  })

  test('maybe: not even the head comes', async (context) => {
    const url = await serve(context, () => {})
    const { answer, words } = await buffersAt(url, '--duration', '500ms')
    expect([answer, words]).toEqual(['maybe', expect.stringContaining('not even the head')])
  })

  test('yes: a compressor waits until it has enough, and the response says so', async (context) => {
    const url = await serve(context, (_, response) => {
      response
        .writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
        .flushHeaders()
      const zip = createGzip({ level: 1 })
      zip.pipe(response)
      // What cannot be compressed fills its buffer.
      every(15, response, () => zip.write(`data: ${randomText()}\n\n`))
    })
    const { answer, risks } = await buffersAt(url, '--duration', '2500ms', '--cut-after', '0')
    expect(answer).toBe('yes')
    expect(risks).toEqual([
      expect.stringContaining('Content-Encoding: gzip'),
      expect.stringContaining('no "no-transform"'),
      expect.stringContaining('X-Accel-Buffering'),
    ])
  })

  test('a response that is fit for proxies has no risks', async (context) => {
    const { risks } = await buffersAt(
      await steady(context, 60, { 'x-accel-buffering': 'no' }),
      '--duration',
      '2s',
    )
    expect(risks).toEqual([])
  })
})

const randomText = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(600))).toString('base64')

const NGINX = spawnSync('nginx', ['-v']).error === undefined
if (!NGINX)
  console.warn('nginx is not installed, so the tester is not tested behind it: apt-get install nginx-light')

/** nginx in front of this server, with these directives. */
async function behindNginx(
  { onTestFinished }: Finishing,
  upstream: string,
  directives: string,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-nginx-'))
  const port = await freePort()
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; location / { proxy_pass ${new URL(upstream).origin}; ${directives} } }
}`,
  )
  const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'], {
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => nginx.once('exit', resolve))
  onTestFinished(async () => {
    nginx.kill()
    await ended
    rmSync(folder, { recursive: true })
  })
  while (!(await isListening(port))) if (nginx.exitCode !== null) throw new Error('nginx has not started')
  return `http://127.0.0.1:${port}/events`
}

describe.skipIf(!NGINX).concurrent('behind nginx', PATIENT, () => {
  test('buffering off: no', async (context) => {
    const url = await behindNginx(context, await steady(context, 60), 'proxy_buffering off;')
    expect((await buffersAt(url, '--duration', '3s')).answer).toBe('no')
  })

  test('buffering on, and the server forbids it: no', async (context) => {
    const upstream = await steady(context, 60, { 'x-accel-buffering': 'no' })
    expect((await buffersAt(await behindNginx(context, upstream, ''), '--duration', '3s')).answer).toBe('no')
  })

  test('buffering on, a busy server: yes', async (context) => {
    const url = await behindNginx(context, await steady(context, 5), '')
    expect((await buffersAt(url, '--duration', '3s')).answer).toBe('yes')
  })

  test('buffering on, a quiet server: maybe, because not even the head comes', async (context) => {
    const url = await behindNginx(context, await steady(context, 300), '')
    expect((await buffersAt(url, '--duration', '2s')).answer).toBe('maybe')
  })

  test('the verdict on resumption is that of the server', async (context) => {
    const { url: upstream } = await serveKind(context, 'strict')
    const url = await behindNginx(context, upstream, 'proxy_buffering off;')
    const { status, text } = await tabstream('test', url, '--duration', '3s', '--expect', 'resumes')
    expect(text).toContain('Does it resume? yes: this server replays what came after the ID')
    expect(status).toBe(0)
  })
})
