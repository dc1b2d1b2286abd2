import { describe, expect, test } from 'vitest'
import { heard, OPEN, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

const LATE = 10_000

const CAUSE = /If a proxy buffers the answer, .*X-Accel-Buffering: no.*proxy_buffering off/

/** A world whose server does not answer until it is let. */
function holding() {
  const world = new UpstreamWorld()
  const { fetch } = world.upstream
  const held: (() => void)[] = []
  let isHolding = true
  world.upstream.fetch = (agent, url, init, now) => {
    const answer = () => fetch.call(world.upstream, agent, url, init, now)
    if (!isHolding) return answer()
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      held.push(() => answer().then(resolve, reject))
    })
  }
  const release = () => {
    isHolding = false
    for (const answer of held.splice(0)) answer()
  }
  return { world, release }
}

describe('an answer that is long in coming', () => {
  test('is told of once in the console, with the usual cause', async () => {
    const { world, release } = holding()
    const [page, other] = [new Page(world, 'page'), new Page(world, 'other')]
    page.source()
    await world.clock.advance(OPEN)
    const later = other.source()
    await world.clock.advance(LATE - OPEN - 1)
    expect(other.warnings).toEqual([])
    await world.clock.advance(OPEN)
    expect(other.warnings).toEqual([
      expect.stringMatching(/^tabstream: https:\/\/dash\.test has not answered for 10 seconds\. /),
    ])
    expect(other.warnings[0]).toMatch(CAUSE)

    page.source(`${URL_OF_EVENTS}/another`)
    await world.clock.advance(2 * LATE)
    expect(other.warnings).toHaveLength(1)
    expect(page.warnings).toEqual([])
    release()
    await world.clock.advance(OPEN)
    expect(later.readyState).toBe(1)
  })

  test('is told of once for each origin', async () => {
    const { world } = holding()
    const page = new Page(world, 'page')
    page.source()
    page.source('https://api.test/events')
    await world.clock.advance(LATE + OPEN)
    expect(page.warnings.map((warning) => warning.split(' ')[1]).sort()).toEqual([
      'https://api.test',
      'https://dash.test',
    ])
  })

  test('is not told of when it has come, or nobody waits for it any more', async () => {
    const { world, release } = holding()
    const page = new Page(world, 'page')
    const source = page.source()
    const closed = page.source('https://api.test/events')
    await world.clock.advance(LATE - 1_000)
    release()
    closed.close()
    await world.clock.advance(0)
    expect(source.readyState).toBe(1)
    await world.clock.advance(2 * LATE)
    expect(page.warnings).toEqual([])
  })
})

describe('the error of idleTimeout', () => {
  test('names the cause where there was no answer', async () => {
    const { world, release } = holding()
    const page = new Page(world, 'page')
    const stream = page.connect(URL_OF_EVENTS, { idleTimeout: 5_000 })
    await world.clock.advance(OPEN + 5_000)
    expect(stream.status.error?.message).toContain('the server has sent nothing for 5000 ms. ')
    expect(stream.status.error?.message).toMatch(CAUSE)
    release()
    await world.clock.advance(LATE)
    expect(page.warnings).toEqual([])
  })

  test('names it where only the head has come, and on each connection anew', async () => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS, { idleTimeout: 5_000 })
    const words = heard(stream, 'message')
    const seen = statuses(stream)
    await world.clock.advance(OPEN)
    world.upstream.write('data: x\n\n')
    await world.clock.advance(5_000)
    expect(words).toEqual(['message x'])
    expect(seen.at(-1)).toBe('retrying 1: the server has sent nothing for 5000 ms')
    await world.clock.advance(6_100)
    expect(seen.at(-1)).toMatch(CAUSE)
  })
})
