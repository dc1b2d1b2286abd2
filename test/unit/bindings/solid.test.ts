// @vitest-environment happy-dom
import { type Accessor, createEffect, createRoot, createSignal, from, type JSX } from 'solid-js'
import { render } from 'solid-js/web'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { LazyStream } from '../../../src/index.ts'
import {
  createStream,
  createStreamFold,
  createStreamGap,
  createStreamListener,
  createStreamStatus,
  type NoStream,
} from '../../../src/solid/index.ts'
import { OPEN, Page, URL_OF_EVENTS } from '../upstream.ts'
import { eventOf, stage } from './stage.ts'

const { defineStream } = await import('../../../src/api/define-stream.ts')
const { json } = await import('../../../src/api/decode.ts')

interface Events {
  cpu: { load: number }
  log: string
}

const define = (): LazyStream<Events> =>
  defineStream(URL_OF_EVENTS, { events: { cpu: json<Events['cpu']>(), log: json<string>() } })

let ends: (() => void)[] = []

afterEach(() => {
  for (const end of ends) end()
  ends = []
})

/** A page with a component in it, which gives what it shows. */
function mounted(component: () => Accessor<string>) {
  const { world } = stage()
  const container = document.createElement('div')
  const end = render(() => component() as unknown as JSX.Element, container)
  ends.push(end)
  return {
    world,
    end,
    text: () => container.textContent,
    advance: (duration: number) => world.clock.advance(duration),
    async send(...events: [name: string, data: unknown][]) {
      world.upstream.write(events.map(([name, data]) => eventOf(name, data)).join(''))
      await world.clock.advance(10)
    },
  }
}

describe('createStream', () => {
  test('shows the latest event, and closes the connection with the component', async () => {
    const feed = define()
    const page = mounted(() => {
      const cpu = createStream(feed, 'cpu')
      return () => `load ${cpu()?.data.load}`
    })
    expect(page.text()).toBe('load undefined')
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['cpu', { load: 2 }])
    expect(page.text()).toBe('load 2')
    expect(page.world.upstream.open.size).toBe(1)
    page.end()
    await page.advance(2_000)
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('follows an accessor, and listens to nothing where the stream is falsy', async () => {
    const feed = define()
    const [stream, setStream] = createSignal<LazyStream<Events> | NoStream>()
    const page = mounted(() => {
      const cpu = createStream(stream, 'cpu')
      const count = createStreamFold(stream, ['cpu', 'log'], (sum) => sum + 1, 0)
      const status = createStreamStatus(stream)
      createStreamGap(stream, () => {})
      createStreamListener(stream, 'log', () => {})
      return () => `${cpu()?.data.load} ${count()} ${status().state}`
    })
    await page.advance(5_000)
    expect(page.text()).toBe('undefined 0 idle')
    expect(page.world.upstream.requests).toEqual([])
    setStream(feed)
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['log', 'a'])
    expect(page.text()).toBe('1 2 open')
    expect(page.world.upstream.requests).toHaveLength(1)
    setStream(false)
    await page.advance(2_000)
    expect(page.text()).toBe('undefined 0 idle')
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('runs effects once for each batch, and 10,000 events come in a few', async () => {
    const feed = define()
    const seen = vi.fn()
    const page = mounted(() => {
      const cpu = createStream(() => feed, 'cpu')
      createEffect(() => seen(cpu()?.data.load))
      return () => ''
    })
    await page.advance(OPEN)
    await page.send(...Array.from({ length: 10_000 }, (_, load): [string, unknown] => ['cpu', { load }]))
    expect(seen).toHaveBeenLastCalledWith(9_999)
    expect(seen.mock.calls.length).toBeLessThan(6)
  })
})

describe('createStreamFold', () => {
  test('makes a list of the last 200', async () => {
    const feed = define()
    const page = mounted(() => {
      const lines = createStreamFold(
        () => feed,
        'log',
        (all, { data }) => [...all, data].slice(-200),
        [] as string[],
      )
      return () => `${lines().length} ${lines().at(-1)}`
    })
    await page.advance(OPEN)
    await page.send(...Array.from({ length: 300 }, (_, index): [string, unknown] => ['log', `line ${index}`]))
    expect(page.text()).toBe('200 line 299')
  })

  test('begins with what came before where that is wanted', async () => {
    const feed = define()
    const [stream, setStream] = createSignal<LazyStream<Events>>()
    const page = mounted(() => {
      const count = createStreamFold(stream, '*', (sum) => sum + 1, 0, { replay: 'all' })
      return () => `${count()}`
    })
    new Page(page.world, 'other').connect(URL_OF_EVENTS).on('*', () => {})
    await page.advance(OPEN)
    await page.send(['log', 'a'], ['cpu', { load: 1 }])
    setStream(() => feed)
    await page.advance(OPEN)
    expect(page.text()).toBe('2')
  })
})

test('createStreamListener, createStreamGap and createStreamStatus tell of events, a gap and the connection', async () => {
  const feed = define()
  const heard: string[] = []
  const page = mounted(() => {
    createStreamListener(
      () => feed,
      'log',
      ({ data }) => heard.push(data),
    )
    createStreamListener(
      () => feed,
      '*',
      ({ name }) => heard.push(`any ${name}`),
    )
    createStreamGap(
      () => feed,
      ({ reason }) => heard.push(reason),
    )
    const status = createStreamStatus(() => feed)
    return () => status().state
  })
  await page.advance(OPEN)
  await page.send(['log', 'a'], ['cpu', { load: 1 }], ['cpu', { load: 2 }])
  expect(page.text()).toBe('open')
  page.world.upstream.cut()
  await page.advance(10)
  expect(page.text()).toBe('retrying')
  await page.advance(2_000)
  // It does not go on where it was.
  await page.send(['log', 'b'])
  await page.advance(2_000)
  expect(page.text()).toBe('open')
  expect(heard).toEqual(['a', 'any log', 'any cpu', 'any cpu', 'history-lost', 'b', 'any log'])
})

test('from() takes a store of the main entry', async () => {
  const { world } = stage()
  const { load, end } = createRoot((end) => ({ load: from(define().latest('cpu')), end }))
  expect(load()).toBeUndefined()
  await world.clock.advance(OPEN)
  world.upstream.write(eventOf('cpu', { load: 1 }))
  await world.clock.advance(10)
  expect(load()?.data.load).toBe(1)
  end()
  await world.clock.advance(2_000)
  expect(world.upstream.open.size).toBe(0)
})
