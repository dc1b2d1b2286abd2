import type { lookup } from 'node:dns'
import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { isPublic, publicOnly } from '../../../src/tester/public-addresses.ts'
import { findingsAt } from './findings.ts'
import { listen } from './scripted.ts'
import { tabstream } from './tool.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

describe('an address', () => {
  test.each(['8.8.8.8', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::5'])(
    '%s is public',
    (address) => {
      expect(isPublic(address)).toBe(true)
    },
  )

  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.9.9.9', '169.254.169.254', '172.16.0.1'],
    ...[
      '172.31.255.255',
      '192.168.1.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      'fe80::1',
    ],
    ...[
      'fc00::1',
      'fd12::1',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ],
    ...['2001:db8::1', '2001::1', 'localhost', ''],
  ])('%s is not', (address) => {
    expect(isPublic(address)).toBe(false)
  })
})

describe('--public-only', () => {
  test.each([
    'http://127.0.0.1:1/',
    'http://localhost:1/',
    'https://localhost:1/',
    'http://[::1]:1/',
    'http://[::ffff:127.0.0.1]:1/',
    'http://2130706433:1/',
    'http://0x7f.1:1/',
    'http://0:1/',
    'http://0177.0.0.1:1/',
    'http://127.1:1/',
    'http://127.0.0.1.:1/',
    'http://[::ffff:7f00:1]:1/',
    'http://[::127.0.0.1]:1/',
    'http://[0:0:0:0:0:0:0:1]:1/',
    'http://[64:ff9b::7f00:1]:1/',
    'http://①②⑦.⓪.⓪.①:1/',
    'http://169.254.169.254/latest/meta-data/',
  ])('does not ask %s', async (url) => {
    const { text, status } = await tabstream('test', url, '--public-only', '--json')
    expect(JSON.parse(text).problem).toMatch(
      /^the address [\d.:a-f]+( of localhost)? is not public, and so is not asked$/,
    )
    expect(status).toBe(1)
  })
})

/** A server that this test takes for a public one; and another address, which is none. */
const PUBLIC = '127.0.0.1'
const PRIVATE = '127.0.0.2'

/** Names have these addresses. */
const resolving = (...addresses: readonly string[]) =>
  ((_name: string, _options: object, callback: (error: null, all: object[]) => void) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )) as unknown as typeof lookup

const limits = (...addresses: readonly string[]) =>
  publicOnly((address) => address === PUBLIC, resolving(...addresses))

/** A public server that redirects there, or sends an event. */
async function serve(location?: string): Promise<{ url: string; asked: () => number }> {
  let count = 0
  const server = createServer((_, response) => {
    count++
    if (location !== undefined) response.writeHead(302, { location }).end()
    else response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: a\n\n')
  })
  return { url: await listen({ onTestFinished }, server), asked: () => count }
}

describe('where only public addresses may be asked', () => {
  test('a redirect to another address is not followed', async () => {
    const { url } = await serve(`http://${PRIVATE}:1/`)
    const { failure } = await findingsAt(url, limits(PUBLIC))
    expect(failure?.message).toBe(`the address ${PRIVATE} is not public, and so is not asked`)
  })

  test('a redirect to a name with another address is not followed', async () => {
    const { url } = await serve('http://inside.test:1/')
    const { failure } = await findingsAt(url, limits(PRIVATE))
    expect(failure?.message).toBe(`the address ${PRIVATE} of inside.test is not public, and so is not asked`)
  })

  test('a name with public and other addresses is not asked', async () => {
    const { url, asked } = await serve()
    const { failure } = await findingsAt(url.replace(PUBLIC, 'both.test'), limits(PUBLIC, PRIVATE))
    expect(failure?.message).toContain(`the address ${PRIVATE} of both.test is not public`)
    expect(asked()).toBe(0)
  })

  test('a name is resolved anew for each connection, and each time it is looked at', async () => {
    const { url, asked } = await serve()
    const all = [PUBLIC, PRIVATE]
    const changing: typeof lookup = ((name: string, options: object, callback: never) =>
      (resolving(all.shift() ?? PRIVATE) as never as (...args: unknown[]) => void)(
        name,
        options,
        callback,
      )) as never
    const limit = publicOnly((address) => address === PUBLIC, changing)
    const { recordings } = await findingsAt(url.replace(PUBLIC, 'changing.test'), limit)
    expect(recordings[1]?.end).toContain('is not public')
    expect(asked()).toBe(1)
  })

  test('a public server is asked', async () => {
    const { url } = await serve()
    expect((await findingsAt(url.replace(PUBLIC, 'public.test'), limits(PUBLIC))).failure).toBeUndefined()
  })
})
