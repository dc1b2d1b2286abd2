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

const PATHS = ['/', '/history?name=cpu', '/stats', '/tabstream/index.js']

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
})

test.each(['127.0.0.1', '127.0.0.1:8080', 'localhost', 'LOCALHOST:3000', '[::1]:8080'])(
  'the demo answers to %s',
  async (host) => {
    expect(await statusFor(host, '/')).toBe(200)
    expect(await statusFor(host, '/stats')).toBe(200)
  },
)
