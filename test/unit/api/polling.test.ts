import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { heard, OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// Servers that end each answer, and say when to come again.

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

const RETRY = 2_000

/** Two pages of a server that has an event for each request, and brings so many at most after the one that it is asked for. */
function open(most: number) {
  const world = new UpstreamWorld()
  let sent = 0
  world.upstream.answer = ({ headers }) => {
    sent++
    const last = Number(headers['Last-Event-ID'] ?? sent - 1)
    const count = Math.min(sent - last, most)
    const events = Array.from(
      { length: count },
      (_, index) => `id: ${last + index + 1}\ndata: ${last + index + 1}\n\n`,
    )
    return { text: `retry: ${RETRY}\n\n${events.join('')}`, ends: true }
  }
  const pages = ['one', 'other'].map((name) => {
    const stream = new Page(world, name).connect(URL_OF_EVENTS)
    const words = heard(stream, 'message')
    stream.onGap(({ reason }) => words.push(`gap ${reason}`))
    return words
  })
  return { world, pages }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `message ${index + 1}`)

describe('a server that ends each answer', () => {
  test('is asked once a round, for all pages, and each event comes once', async () => {
    const { world, pages } = open(Number.POSITIVE_INFINITY)
    await world.clock.advance(60_000 + OPEN)
    const { requests, peak } = world.upstream
    expect(requests.length).toBeGreaterThan(25)
    expect(peak).toBe(1)
    const times = requests.map(({ at }) => at)
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(RETRY)
    for (const words of pages) expect(words).toEqual(numbers(requests.length))
  })

  test('with one event, is not asked more often, and leaves no gap', async () => {
    const { world, pages } = open(1)
    await world.clock.advance(60_000 + OPEN)
    const { requests } = world.upstream
    expect(requests.length).toBeLessThanOrEqual(60_000 / RETRY + 1)
    for (const words of pages) expect(words).toEqual(numbers(words.length))
    expect(pages[0]?.length).toBeGreaterThan(requests.length / 3)
  })
})
