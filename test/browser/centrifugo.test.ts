import { describe, expect, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import type { Tab } from './browser.ts'
import { CentrifugoServer } from './centrifugo-server.ts'
import { POLL, type Stage, useBrowser } from './stage.ts'
import { add, COUNT, expectWhole, notedBy, open, reach } from './topic-tabs.ts'

const stage = useBrowser()

const PATH = '/events/topics'

const HOSTS: readonly HostName[] = ['shared-worker', 'leader']

function serve({ server }: Stage): CentrifugoServer {
  const centrifugo = new CentrifugoServer()
  server.answer(PATH, centrifugo.answer)
  server.answer(COUNT, (_request, response) => response.end(String(centrifugo.log.length)))
  return centrifugo
}

describe.each(HOSTS)('Centrifugo, %s', (host) => {
  test.each<[string, number, (server: CentrifugoServer) => void]>([
    [
      'is told of a gap where the history is shorter than what it has missed',
      1,
      (server) => {
        server.keep('a', 2)
        server.cut()
        for (let count = 0; count < 4; count++) server.publish('a')
      },
    ],
    ['is told of a gap where a channel is counted anew', 1, (server) => server.renew('a')],
    ['is told of none where the history is gone, but nothing is missing', 0, (server) => server.forget()],
    [
      'is told of none where the server asks it to come back',
      0,
      (server) => server.disconnect(3011, 'force reconnect'),
    ],
    ['comes back where it has been unsubscribed', 0, (server) => server.unsubscribe('a')],
  ])('a tab %s', async (_, gaps, happen) => {
    const set = await stage()
    const server = serve(set)
    const tab = await set.open(`/page?host=${host}`)
    await open(tab, 'centrifugo', PATH)
    await add(tab, 'a')
    await add(tab, 'b')
    for (const channel of ['a', 'b', 'a', 'b']) server.publish(channel)
    for (const channel of ['a', 'b']) await reach(tab, channel, server)
    const before = server.requests.length
    happen(server)
    await server.changes.until(
      () => server.requests.length > before && server.connections === 1,
      () => `${server.requests.length} requests, ${server.connections} connections`,
    )
    for (const channel of ['a', 'b']) server.publish(channel)
    for (const channel of ['a', 'b']) await reach(tab, channel, server)
    expect(expectWhole(await notedBy(tab), server)).toBe(gaps)
  })
})

/** Opens the stream with a function for headers that gives another token each time, and notes the states. */
const openWithTokens = ({ page }: Tab): Promise<void> =>
  page.evaluate(async (path) => {
    globalThis.topicsModule = await importModule('topics.js')
    const { centrifugo, connectTopics } = topicsModule
    let count = 0
    const headers = () => ({ Authorization: `Bearer token-${++count}` })
    const options = { engine: centrifugo(), key: 'user', headers }
    globalThis.topics = connectTopics(path, options) as typeof globalThis.topics
    globalThis.noted = []
    topics.onStatus(({ state, error }) =>
      noted.push({ type: 'gap', reason: `${state} ${error?.status ?? ''}` }),
    )
    topics.on('a', () => {})
  }, PATH)

describe('the token of Centrifugo', () => {
  test('is asked for again where it is refused, and goes into the request', async () => {
    const set = await stage()
    const server = serve(set)
    server.refusal = { code: 3500, reason: 'invalid token' }
    const answer = server.answer
    set.server.answer(PATH, (request, response) => {
      if (server.requests.length > 0) server.refusal = undefined
      answer(request, response)
    })
    const tab = await set.open('/page')
    await openWithTokens(tab)
    await server.changes.until(
      () => server.connections === 1,
      () => `${server.requests.length} requests`,
    )
    expect(server.requests.map(({ token }) => token)).toEqual(['token-1', 'token-2'])
  })

  test('is not asked for any more where the server sends the client away', async () => {
    const set = await stage()
    const server = serve(set)
    server.refusal = { code: 3503, reason: 'force disconnect' }
    const tab = await set.open('/page')
    await openWithTokens(tab)
    const states = () =>
      tab.page.evaluate(() => noted.flatMap((one) => (one.type === 'gap' ? [one.reason] : [])))
    await expect.poll(states, POLL).toContain('closed 3503')
    expect(server.requests).toHaveLength(1)
  })
})
