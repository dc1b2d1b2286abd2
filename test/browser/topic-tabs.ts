import { expect } from 'vitest'
import type * as Topics from '../../src/topics/index.ts'
import type { Tab } from './browser.ts'
import { POLL } from './stage.ts'

/** What a page has noted: events, gaps, and from where on it may rely on a topic: after so many events of the server. */
export type Noted =
  | { readonly type: 'event'; readonly topic: string; readonly number: number }
  | { readonly type: 'ready' | 'off'; readonly topic: string; readonly count: number }
  | { readonly type: 'gap'; readonly reason: string }

declare global {
  // In the page.
  var topicsModule: typeof Topics
  var topics: Topics.SharedTopics<Record<string, unknown>>
  var noted: Noted[]
  var offs: Map<string, () => void>
}

/** `test/browser/topic-server.ts` and `centrifugo-server.ts` have their wires. */
export type EngineName = 'plain' | 'mercure' | 'ntfy' | 'pushpin' | 'nchan' | 'centrifugo' | 'wikimedia'

/** Where the server counts what it has published. */
export const COUNT = '/count'

/** Opens the stream in a tab, without any topic. */
export async function open({ page }: Tab, engine: EngineName, path: string): Promise<void> {
  await page.evaluate(
    async ([engine, path]) => {
      globalThis.topicsModule = await importModule('topics.js')
      const { centrifugo, connectTopics, mercure, nchan, ntfy, pushpin, wikimedia } = topicsModule
      const topic = '/topic'
      const engines = {
        plain: { topic },
        mercure: mercure({ topic }),
        ntfy: ntfy(),
        pushpin: pushpin({ topic }),
        nchan: nchan(),
        centrifugo: centrifugo(),
        wikimedia: wikimedia(),
      }
      globalThis.noted = []
      globalThis.offs = new Map()
      globalThis.topics = connectTopics(path, { engine: engines[engine] }) as typeof globalThis.topics
      topics.onGap(({ reason }) => noted.push({ type: 'gap', reason }))
    },
    [engine, path] as const,
  )
}

/** Listens to a topic, and notes when it is ready. */
export const add = ({ page }: Tab, topic: string): Promise<void> =>
  page.evaluate(
    async ([topic, count]) => {
      const off = topics.on(topic, ({ name, data }) => {
        noted.push({ type: 'event', topic: name, number: JSON.parse(String(data)).number })
      })
      offs.set(topic, off)
      await topics.ready(topic)
      const answer = await fetch(count)
      noted.push({ type: 'ready', topic, count: Number(await answer.text()) })
    },
    [topic, COUNT] as const,
  )

export const remove = ({ page }: Tab, topic: string): Promise<void> =>
  page.evaluate((topic) => {
    offs.get(topic)?.()
    noted.push({ type: 'off', topic, count: 0 })
  }, topic)

export const notedBy = ({ page }: Tab): Promise<Noted[]> => page.evaluate(() => noted)

/** Resolves when a tab has heard anything of a topic. */
export async function hear({ page }: Tab, topic: string): Promise<void> {
  const has = () =>
    page.evaluate((topic) => noted.some((one) => one.type === 'event' && one.topic === topic), topic)
  await expect.poll(has, POLL).toBe(true)
}

/** What has been published. */
export interface Published {
  /** The numbers of the events of a topic behind the first so many events, in order. */
  numbersOf(topic: string, after: number): number[]
}

/** Resolves when a tab has heard the last event of a topic. */
export async function reach({ page }: Tab, topic: string, published: Published): Promise<void> {
  const last = published.numbersOf(topic, 0).at(-1) ?? 0
  const has = () =>
    page.evaluate(
      ([topic, last]) =>
        noted.some((one) => one.type === 'event' && one.topic === topic && one.number === last),
      [topic, last] as const,
    )
  await expect.poll(has, POLL).toBe(true)
}

/**
 * Each topic of a tab: each of its events once and in order, and from the time on that it was ready, all of them, or a gap in their place.
 *
 * @returns how many gaps there were
 */
export function expectWhole(noted: readonly Noted[], published: Published): number {
  const topics = new Set(noted.flatMap((one) => (one.type === 'gap' ? [] : [one.topic])))
  for (const topic of topics) {
    const own = noted.filter((one) => one.type === 'gap' || one.topic === topic)
    const numbers = own.flatMap((one) => (one.type === 'event' ? [one.number] : []))
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other))
    own.forEach((one, index) => {
      if (one.type === 'ready')
        expect(lostBehind(own, index, published.numbersOf(topic, one.count))).toEqual([])
    })
  }
  return noted.filter(({ type }) => type === 'gap').length
}

/** What a topic lacks from when it was ready until it was given up, though no gap says so. */
function lostBehind(own: readonly Noted[], ready: number, due: readonly number[]): number[] {
  const off = own.findIndex(({ type }, index) => index > ready && type === 'off')
  const upTo = off < 0 ? own.length : off
  const heard = own.slice(0, upTo).flatMap((one) => (one.type === 'event' ? [one.number] : []))
  const last = off < 0 ? Number.POSITIVE_INFINITY : (heard.at(-1) ?? 0)
  return due.filter((number) => number < last && !heard.includes(number) && !isTold(own, number))
}

function isTold(own: readonly Noted[], number: number): boolean {
  const isEvent = (one: Noted) => one.type === 'event'
  const before = own.findLastIndex((one) => isEvent(one) && one.number < number)
  const after = own.findIndex((one) => isEvent(one) && one.number > number)
  return own.slice(before + 1, after < 0 ? own.length : after).some(({ type }) => type === 'gap')
}
