import { describe, expect, test } from 'vitest'
import { OPEN } from '../upstream.ts'
import { Giver, TokenWorld } from './users.ts'

// Pages that share by a key, where the server refuses what one of them gives: SECURITY.md, "Whose events a page is given".

async function shared(refused: Record<string, number>, ...tokens: string[]) {
  const world = new TokenWorld()
  for (const [token, status] of Object.entries(refused)) world.refused.set(token, status)
  const pages = tokens.map((token) => new Giver(world, token, token, { key: 'alice' }))
  await world.clock.advance(OPEN)
  return { world, pages }
}

describe.each([401, 403])('after status %i', (status) => {
  test('another page is asked first, and no page sees an error', async () => {
    const { world, pages } = await shared({ stale: status }, 'stale', 'good')
    expect(world.tokens).toEqual(['stale', 'good'])
    expect(pages.map(({ reasons }) => reasons)).toEqual([['connect'], ['unauthorized']])
    expect(pages.map(({ state }) => state)).toEqual(['open', 'open'])
  })

  test('each page is asked in turn, whose headers were refused last', async () => {
    const all = { a: status, b: status, c: status }
    const { world, pages } = await shared(all, 'a', 'b', 'c')
    expect(world.tokens).toEqual(['a', 'b', 'c', 'a'])
    expect(pages.map(({ state }) => state)).toEqual(Array(3).fill('closed'))
    expect(pages[1]?.stream.status.error?.status).toBe(status)
  })

  test('the next is asked where a page fails, or goes', async () => {
    const world = new TokenWorld()
    world.refused.set('stale', status)
    new Giver(world, 'stale', 'stale', { key: 'alice' })
    const [failing, leaving] = ['failing', 'leaving'].map(
      (name) => new Giver(world, name, () => Promise.reject(new Error('no')), { key: 'alice' }),
    )
    if (leaving !== undefined) {
      leaving.give = () => {
        leaving.page.agent.kill()
        return new Promise(() => {})
      }
    }
    const good = new Giver(world, 'good', 'good', { key: 'alice' })
    await world.clock.advance(OPEN)
    expect(world.tokens).toEqual(['stale', 'good'])
    expect([failing?.state, good.state]).toEqual(['open', 'open'])
  })

  test('a page with several loops counts as one', async () => {
    const { world, pages } = await shared({}, 'stale', 'good')
    for (const name of ['x', 'y'])
      pages[0]?.stream
        .events(name)
        .next()
        .catch(() => {})
    await world.clock.advance(OPEN)
    world.refused.set('stale', status)
    await world.cut()
    expect(world.tokens).toEqual(['stale', 'stale', 'good'])
    world.refused.set('good', status)
    await world.cut()
    expect(world.tokens.slice(3)).toEqual(['good', 'stale', 'good'])
    expect(pages.map(({ state }) => state)).toEqual(['closed', 'closed'])
  })
})

test('the page whose headers were good is asked again the next time', async () => {
  const { world } = await shared({ stale: 401 }, 'stale', 'good')
  await world.cut()
  await world.cut()
  expect(world.tokens).toEqual(['stale', 'good', 'good', 'good'])
})
