import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SourceRequest } from '../../../src/link/protocol.ts'
import type { SharedSourceStream } from '../../../src/source/source-options.ts'
import { World } from '../../sim/world/world.ts'
import { enter } from '../current-page.ts'
import { Page } from '../upstream.ts'

const { connectSource } = await import('../../../src/source/connect-source.ts')

type Untyped = (url: unknown, options?: unknown) => SharedSourceStream

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
  enter(new Page(new World({ kinds: ['strict'], random: () => 0 }), 'one').client)
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const open = connectSource as Untyped

/** What the hub is asked for. */
const requestOf = (stream: object) =>
  (stream as { subscription: { wish: { request: { url: string; source: SourceRequest } } } }).subscription
    .wish.request

describe('what names a source', () => {
  test.each([
    ['/s.js', 'https://dash.test/s.js'],
    ['./s.js', 'https://dash.test/app/s.js'],
    ['../s.js#a', 'https://dash.test/s.js#a'],
    ['https://dash.test/s.js', 'https://dash.test/s.js'],
    [new URL('https://dash.test/s.js#a'), 'https://dash.test/s.js#a'],
    ['graphql', 'provideSources:#graphql'],
    ['constructor', 'provideSources:#constructor'],
  ])('%s', (source, script) => {
    const stream = open('/graphql#x', { source, options: { query: 'q' } })
    expect(requestOf(stream)).toMatchObject({
      url: 'https://dash.test/graphql',
      source: { script, options: '{"options":{"query":"q"}}' },
    })
  })

  test.each([undefined, '', 'graphql-source.js', 'data:text/javascript,1', 'blob:x', 5, {}])(
    'is none: %o',
    (source) => {
      expect(() => open('/graphql', { source })).toThrow(/source must be the URL of a script/)
    },
  )
})

test.each<[string, unknown, RegExp]>([
  ['no options', undefined, /needs options: \{ source \}/],
  ['a method', { source: 'a', method: 'POST' }, /is given no method/],
  ['a body', { source: 'a', body: 'x' }, /is given no body/],
  ['options that are no JSON', { source: 'a', options: () => {} }, /options must be what JSON can express/],
  ['a request that resumes', { source: 'a', resume: { method: 'POST' } }, /resume must be "auto" or "none"/],
  ['an option of nobody', { source: 'a', query: 'q' }, /knows no option "query"/],
])('a source cannot have %s', (_, options, message) => {
  expect(() => open('/graphql', options)).toThrow(message)
})

test('a function for the URL needs a key', () => {
  expect(() => open(() => '/graphql', { source: 'a' })).toThrow(/needs a key/)
})

test('what is no message is not sent', async () => {
  const stream = open('/graphql', { source: 'a' })
  await expect(stream.send((() => {}) as never)).rejects.toMatchObject({ type: 'configuration' })
})
