import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
// @ts-expect-error: a script that is checked with the demo
import { startDemo } from '../../demo/server.mjs'

let demo: { url: string; close: () => Promise<void> }

beforeAll(async () => {
  demo = await startDemo({ port: 0 })
})

afterAll(() => demo.close())

/** The status of an answer to a request with this `Host`. */
const statusFor = (host: string, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request(new URL(path, demo.url), { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject).end()
  })

const PATHS = ['/', '/streams.html', '/history?name=cpu', '/stats', '/tabstream/index.js']

test.each([
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '127.0.0.1@evil.example',
  'a b',
])('the demo gives nothing to a page that calls it %s', async (host) => {
  expect(await Promise.all(PATHS.map((path) => statusFor(host, path)))).toEqual(PATHS.map(() => 421))
  expect(await statusFor(host, '/events')).toBe(421)
  expect(await statusFor(host, '/streams/3')).toBe(421)
})

test.each(['127.0.0.1', '127.0.0.1:8080', 'localhost', 'LOCALHOST:3000', '[::1]:8080'])(
  'the demo answers to %s',
  async (host) => {
    expect(await statusFor(host, '/')).toBe(200)
    expect(await statusFor(host, '/stats')).toBe(200)
  },
)

test('the page of builds loads, with all that it names', async () => {
  const page = await fetch(`${demo.url}/streams.html?n=7`)
  expect(page.status).toBe(200)
  const html = await page.text()
  const named = Array.from(html.matchAll(/(?:href|src)="(\/[^"]*)"/g), ([, path]) => path)
  expect(named).toEqual(expect.arrayContaining(['/', '/streams.js', '/streams.css', '/style.css']))
  const statuses = named.map(async (path) => (await fetch(demo.url + path)).status)
  expect(await Promise.all(statuses)).toEqual(named.map(() => 200))
})

/** The first events of a build's stream: of each its ID, and the number of its line. */
const read = async (build: number, count: number, lastEventId?: string) => {
  const stopping = new AbortController()
  const headers = new Headers(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId })
  const response = await fetch(`${demo.url}/streams/${build}`, { headers, signal: stopping.signal })
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  const events: { id: string; line: number }[] = []
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const id = /^id: ?(.*)$/m.exec(block)?.[1]
      const data = /^data: ?(.*)$/m.exec(block)?.[1]
      if (id !== undefined && data !== undefined) events.push({ id, line: JSON.parse(data).line })
    }
    if (events.length >= count) break
  }
  stopping.abort()
  return events.slice(0, count)
}

test("a build's stream resumes after the ID that is named", async () => {
  const events = await read(3, 10)
  expect(events.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(await read(3, 6, events[3]?.id)).toEqual(events.slice(4))
  // Live ones follow.
  expect((await read(3, 18, events[3]?.id)).map(({ line }) => line)).toEqual(
    Array.from({ length: 18 }, (_, index) => index + 5),
  )
  const anew = await read(3, 3, 'of another server')
  expect(anew).toEqual(events.slice(0, 3))
})

test.each(['/streams/', '/streams/0', '/streams/51', '/streams/007', '/streams/x', '/streams/1/2'])(
  'there is no stream %s',
  async (path) => {
    expect(await statusFor('localhost', path)).toBe(404)
  },
)
