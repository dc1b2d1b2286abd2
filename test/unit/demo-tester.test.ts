import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
// @ts-expect-error: a script that is checked with the demo
import { startDemo } from '../../demo/server.mjs'
import { PRESET_NAMES } from '../../src/tester/presets.ts'
import { listen } from './tester/scripted.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

async function start(
  testsAnyAddress: boolean,
): Promise<(fields: object, type?: string) => Promise<Response>> {
  const demo = await startDemo({ port: 0, testsAnyAddress })
  onTestFinished(() => demo.close())
  return (fields, type = 'application/json') =>
    fetch(`${demo.url}/test`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify(fields),
    })
}

/** A stream, and how often it was asked for. */
async function serve() {
  let count = 0
  const server = createServer((request, response) => {
    count++
    const after = Number(request.headers['last-event-id'] ?? 0)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let id = after + 1; id <= 5; id++) response.write(`id: ${id}\ndata: n${id}\n\n`)
  })
  return { url: await listen({ onTestFinished }, server), asked: () => count }
}

test('the demo tests a server that is not public where it was told to', async () => {
  const ask = await start(true)
  const { url } = await serve()
  const response = await ask({ url, duration: '1', raw: true })
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  const text = await response.text()
  expect(text).toContain('Does it resume? yes: this server replays what came after the ID')
  expect(text).toContain('"id: 1\\ndata: n1\\n\\n')
})

test.each([
  ['an address', (url: string) => url],
  ['a name with such an address', (url: string) => url.replace('127.0.0.1', 'localhost')],
])('the demo asks no server that is not public otherwise: %s', async (_, addressOf) => {
  const ask = await start(false)
  const { url, asked } = await serve()
  const text = await (await ask({ url: addressOf(url), duration: '1' })).text()
  expect(text).toMatch(/No stream: the address [\d.:]+( of localhost)? is not public, and so is not asked/)
  expect(asked()).toBe(0)
})

test.each([
  ['a form of another site', { url: 'http://a.test' }, 'text/plain', 415, 'It must be JSON'],
  ['no URL', {}, 'application/json', 400, 'There is no URL'],
  [
    'a file as the body',
    { url: 'http://a.test', body: '@/etc/passwd' },
    'application/json',
    400,
    'A body cannot begin',
  ],
  ['a long time', { url: 'http://a.test', duration: '3000' }, 'application/json', 400, '60 seconds at most'],
  ['no JSON object', null, 'application/json', 400, 'Bad request'],
])('the demo refuses %s', async (_, fields, type, status, words) => {
  const response = await (await start(true))(fields as object, type)
  expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(words)])
})

test('a page cuts the connection of its own test, and no other', async () => {
  const demo = await startDemo({ port: 0, testsAnyAddress: true })
  onTestFinished(() => demo.close())
  const post = (path: string, fields: object) =>
    fetch(demo.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    })
  const { url } = await serve()
  const response = await post('/test', { url, name: 'mine', 'cut-after': '0', duration: '10' })
  const parts = response.body?.pipeThrough(new TextDecoderStream()) as unknown as AsyncIterable<string>
  let text = ''
  for await (const part of parts) {
    const before = text
    text += part
    if (before.includes('"n5"') || !text.includes('"n5"')) continue
    expect((await post('/test/cut', { name: 'yours' })).status).toBe(404)
    expect((await post('/test/cut', { name: 'mine' })).status).toBe(204)
  }
  expect(text).toContain('cut by hand after 5 events')
  expect(text).toContain('Does it resume? yes')
  expect((await post('/test/cut', { name: 'mine' })).status).toBe(404)
})

test('no field is another option of the command', async () => {
  const ask = await start(false)
  const { url, asked } = await serve()
  const texts = [
    { url: '--show-secrets' },
    { url, method: 'GET --show-secrets' },
    { url, header: ['--help'] },
  ]
  for (const fields of texts) {
    const text = await (await ask({ duration: '1', ...fields })).text()
    expect(text).toMatch(/^tabstream: (?:this is no URL|--method is no name|--header needs a name)/)
  }
  expect(asked()).toBe(0)
})

test('the page loads, with all that it names', async () => {
  const demo = await startDemo({ port: 0 })
  onTestFinished(() => demo.close())
  const html = await (await fetch(`${demo.url}/tester.html`)).text()
  const named = Array.from(html.matchAll(/(?:href|src)="(\/[^"]*)"/g), ([, path]) => path)
  expect(named).toEqual(expect.arrayContaining(['/', '/streams.html', '/tester.css', '/tester.js']))
  const statuses = named.map(async (path) => (await fetch(demo.url + path)).status)
  expect(await Promise.all(statuses)).toEqual(named.map(() => 200))
})

test('the page offers each preset of the command', async () => {
  const html = readFileSync(join(import.meta.dirname, '../../demo/public/tester.html'), 'utf8')
  const offered = Array.from(html.matchAll(/<option value="(.+?)"/g), ([, name]) => name)
  expect(offered.sort()).toEqual([...PRESET_NAMES].sort())
})
