import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import { heard, OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// What a request does with a redirect depends on what of the page's would go along, and requests of one stream can differ.

const ELSEWHERE = 'https://api.test/events'

/** More than the wait before a second attempt. */
const RETRY = 1_100

const own = { 'X-Api-Key': 'secret' }

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

function opening(url: string | (() => string), options: ConnectOptions) {
  const world = new UpstreamWorld()
  const stream = new Page(world, 'page').connect(url as string, options as object)
  const words = heard(stream, '*')
  const cut = async () => {
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n')
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(RETRY)
  }
  const redirects = () => world.upstream.requests.map(({ method, redirect }) => [method, redirect])
  return { world, stream, words, cut, redirects }
}

describe('a redirect', () => {
  test.each<[RequestRedirect, string, ConnectOptions]>([
    ['follow', 'nothing of the page’s goes along', {}],
    ['manual', 'headers would go along', { headers: own }],
    ['manual', 'a function may give headers', { key: 'a', headers: () => ({}) }],
    ['manual', 'a body would go along', { method: 'POST', body: 'ask' }],
    ['manual', 'the page says so', { redirect: 'error' }],
    ['follow', 'the page says so', { method: 'POST', body: {}, headers: own, redirect: 'follow' }],
  ])('is met with "%s" where %s', async (expected, _why, options) => {
    const { world, redirects } = opening(URL_OF_EVENTS, options)
    await world.clock.advance(OPEN)
    expect(redirects().map(([, redirect]) => redirect)).toEqual([expected])
  })

  test.each<[RequestRedirect, RequestRedirect, ConnectOptions]>([
    ['manual', 'follow', { method: 'POST', body: { a: 1 }, resume: {} }],
    ['manual', 'manual', { method: 'POST', body: { a: 1 }, headers: own, resume: {} }],
    ['manual', 'manual', { method: 'POST', body: 'ask', headers: () => ({}), resume: {} }],
    ['follow', 'manual', { resume: { method: 'POST', body: 'ask' } }],
    ['follow', 'follow', { method: 'POST', resume: {} }],
    ['follow', 'follow', { method: 'POST', body: 'ask', headers: own, resume: {}, redirect: 'follow' }],
    ['manual', 'manual', { resume: {}, redirect: 'error' }],
  ])('is met with "%s", then "%s" by the request that resumes: %j', async (first, second, options) => {
    const { cut, redirects } = opening(URL_OF_EVENTS, options)
    await cut()
    expect(redirects().map(([, redirect]) => redirect)).toEqual([first, second])
  })

  test.each<[RequestRedirect, ConnectOptions]>([
    ['follow', {}],
    ['manual', { headers: own }],
    ['manual', { headers: () => own }],
    ['manual', { redirect: 'error' }],
    ['follow', { headers: own, redirect: 'follow' }],
  ])('is met with "%s" where a function gives the URL: %j', async (expected, options) => {
    const { cut, redirects } = opening(() => '/events', { key: 'a', ...options })
    await cut()
    expect(redirects()).toEqual([
      ['GET', expected],
      ['GET', expected],
    ])
  })

  test('that is not followed ends the stream, which says what to do', async () => {
    const { world, stream } = opening(() => '/events', { key: 'a', headers: own, maxRetries: 9 })
    world.upstream.answer = () => ({ redirects: true })
    await world.clock.advance(60_000)
    expect(world.upstream.requests).toHaveLength(1)
    expect(stream.status).toMatchObject({
      state: 'closed',
      error: { status: 0, contentType: '', body: '', message: expect.stringContaining('redirect: "follow"') },
    })
  })

  test('of a POST that is not followed is the reason, and no other', async () => {
    const { world, stream } = opening(URL_OF_EVENTS, { method: 'POST', body: 'ask' })
    world.upstream.answer = () => ({ redirects: true })
    await world.clock.advance(60_000)
    expect(world.upstream.requests).toHaveLength(1)
    expect(stream.status.error?.message).toMatch(/redirect: "follow"$/)
  })

  test('that is followed brings events from elsewhere', async () => {
    const { world, words } = opening(URL_OF_EVENTS, { headers: own, redirect: 'follow' })
    world.upstream.answer = () => ({ redirects: true, text: 'data: here\n\n' })
    await world.clock.advance(OPEN)
    expect(words).toEqual(['message here'])
  })
})

describe('a server of another origin', () => {
  test('is found to be there by a request that follows, with nothing of the page’s', async () => {
    const { world, stream, redirects } = opening(ELSEWHERE, { headers: own })
    world.upstream.answer = ({ mode }) => (mode === 'no-cors' ? {} : new TypeError('Failed to fetch'))
    await world.clock.advance(OPEN)
    expect(redirects()).toEqual([
      ['GET', 'manual'],
      ['GET', 'follow'],
      ['GET', 'manual'],
    ])
    expect(world.upstream.requests[1]).toMatchObject({
      mode: 'no-cors',
      headers: { accept: 'text/event-stream' },
    })
    expect(world.upstream.requests[1]?.headers).not.toHaveProperty('x-api-key')
    expect(stream.status).toMatchObject({
      state: 'closed',
      error: { message: expect.stringContaining('x-api-key') },
    })
  })

  test('that refuses Last-Event-ID, and redirects, ends the stream where redirects are not followed', async () => {
    const { world, stream, cut } = opening(ELSEWHERE, { redirect: 'error' })
    world.upstream.answer = ({ headers }, number) => {
      if ('Last-Event-ID' in headers) return new TypeError('Failed to fetch')
      return number === 1 ? {} : { redirects: true }
    }
    await cut()
    expect(world.upstream.requests.map(({ mode, redirect }) => [mode, redirect])).toEqual([
      ['cors', 'manual'],
      ['cors', 'manual'],
      ['cors', 'manual'],
    ])
    expect(stream.status.error?.message).toContain('redirect: "follow"')
  })
})
