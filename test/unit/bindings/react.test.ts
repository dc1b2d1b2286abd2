// @vitest-environment happy-dom
import { act, createElement, type FunctionComponent, StrictMode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { LazyStream } from '../../../src/index.ts'
import {
  useStream,
  useStreamFold,
  useStreamGap,
  useStreamListener,
  useStreamStatus,
} from '../../../src/react/index.ts'
import { OPEN, Page, URL_OF_EVENTS } from '../upstream.ts'
import { eventOf, stage } from './stage.ts'

const { defineStream } = await import('../../../src/api/define-stream.ts')
const { json } = await import('../../../src/api/decode.ts')

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

interface Events {
  cpu: { load: number }
  log: string
}

const define = (): LazyStream<Events> =>
  defineStream(URL_OF_EVENTS, { events: { cpu: json<Events['cpu']>(), log: json<string>() } })

let roots: Root[] = []

afterEach(() => {
  for (const root of roots) act(() => root.unmount())
  roots = []
})

/** A page with a component in it. */
function mounted<Props extends object>(component: FunctionComponent<Props>, props: Props, isStrict = false) {
  const { world } = stage()
  const container = document.createElement('div')
  const root = createRoot(container)
  roots.push(root)
  const show = (props: Props) => {
    const element = createElement(component, props)
    act(() => root.render(isStrict ? createElement(StrictMode, null, element) : element))
  }
  show(props)
  return {
    world,
    show,
    root,
    text: () => container.textContent,
    advance: (duration: number) => act(() => world.clock.advance(duration)),
    async send(...events: [name: string, data: unknown][]) {
      world.upstream.write(events.map(([name, data]) => eventOf(name, data)).join(''))
      await act(() => world.clock.advance(10))
    },
  }
}

describe('useStream', () => {
  test('shows the latest event, and closes the connection with the component', async () => {
    const feed = define()
    const page = mounted(() => `load ${useStream(feed, 'cpu')?.data.load}`, {})
    expect(page.text()).toBe('load undefined')
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['cpu', { load: 2 }])
    expect(page.text()).toBe('load 2')
    expect(page.world.upstream.open.size).toBe(1)
    act(() => page.root.unmount())
    await page.advance(2_000)
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('shows what another tab has received already', async () => {
    const feed = define()
    const page = mounted(
      ({ isShown }: { isShown: boolean }) => `${useStream(isShown && feed, 'cpu')?.data.load}`,
      {
        isShown: false,
      },
    )
    new Page(page.world, 'other').connect(URL_OF_EVENTS).on('cpu', () => {})
    await page.advance(OPEN)
    await page.send(['cpu', { load: 3 }])
    expect(page.text()).toBe('undefined')
    page.show({ isShown: true })
    await page.advance(OPEN)
    expect(page.text()).toBe('3')
    page.show({ isShown: false })
    expect(page.text()).toBe('undefined')
  })

  test.each([false, null, undefined] as const)('listens to nothing where the stream is %s', async (none) => {
    const states: string[] = []
    const page = mounted(() => {
      const event = useStream<Events, 'cpu'>(none, 'cpu')
      const count = useStreamFold<Events, 'log', number>(none, 'log', (sum) => sum + 1, 5)
      useStreamListener<Events, 'log'>(none, 'log', () => {})
      useStreamGap(none, () => {})
      const { state } = useStreamStatus(none)
      states.push(state)
      return `${event} ${count} ${state}`
    }, {})
    await page.advance(5_000)
    expect(page.text()).toBe('undefined 5 idle')
    expect(page.world.upstream.requests).toEqual([])
    expect(states).toHaveLength(1)
  })

  test('renders where what is selected of it changes, with functions written inline', async () => {
    const feed = define()
    const rendered: (readonly string[])[] = []
    const page = mounted(
      ({ least }: { least: number }) => {
        const words = useStream(
          feed,
          'cpu',
          (event) => [(event?.data.load ?? 0) > least ? 'high' : 'low'],
          (one, other) => one[0] === other[0],
        )
        rendered.push(words)
        return words[0]
      },
      {
        least: 5,
      },
    )
    await page.advance(OPEN)
    for (const load of [1, 2, 9, 8]) await page.send(['cpu', { load }])
    expect(rendered).toEqual([['low'], ['high']])
    page.show({ least: 6 })
    expect(rendered[2]).toBe(rendered[1])
    page.show({ least: 8 })
    expect(page.text()).toBe('low')
  })

  test('renders once for each batch, and 10,000 events come in a few', async () => {
    const feed = define()
    const rendered: number[] = []
    const page = mounted(() => {
      const load = useStream(feed, 'cpu')?.data.load ?? -1
      rendered.push(load)
      return `${load}`
    }, {})
    const told = vi.fn()
    feed.latest('cpu').subscribe(told)
    await page.advance(OPEN)
    await page.send(...Array.from({ length: 10_000 }, (_, load): [string, unknown] => ['cpu', { load }]))
    expect(page.text()).toBe('9999')
    expect(rendered).toHaveLength(told.mock.calls.length)
    expect(rendered.length).toBeLessThan(6)
  })

  test('holds one connection in StrictMode', async () => {
    const feed = define()
    const page = mounted(
      () => {
        useStreamListener(feed, 'log', () => {})
        useStreamGap(feed, () => {})
        return `${useStreamStatus(feed).state} ${useStream(feed, 'cpu')?.data.load}`
      },
      {},
      true,
    )
    await page.advance(5_000)
    await page.send(['cpu', { load: 1 }])
    expect(page.text()).toBe('open 1')
    expect(page.world.upstream.requests).toHaveLength(1)
  })
})

describe('useStreamFold', () => {
  test('makes a list of the last 200, with names and functions written inline', async () => {
    const feed = define()
    const page = mounted(
      ({ suffix }: { suffix: string }) => {
        const lines = useStreamFold(
          feed,
          ['log'],
          (all, { data }) => [...all, data + suffix].slice(-200),
          [] as string[],
        )
        return `${lines.length} ${lines.at(-1)}`
      },
      {
        suffix: '!',
      },
    )
    await page.advance(OPEN)
    await page.send(...Array.from({ length: 300 }, (_, index): [string, unknown] => ['log', `line ${index}`]))
    expect(page.text()).toBe('200 line 299!')
    page.show({ suffix: '?' })
    expect(page.text()).toBe('200 line 299!')
    await page.send(['log', 'next'])
    expect(page.text()).toBe('200 next?')
  })

  test('begins with what came before where that is wanted, and anew where the names change', async () => {
    const feed = define()
    const page = mounted(
      ({ name }: { name: 'log' | 'cpu' | false }) => {
        const count = useStreamFold(name && feed, name || 'log', (sum) => sum + 1, 0, { replay: 'all' })
        return `${count}`
      },
      { name: false },
    )
    new Page(page.world, 'other').connect(URL_OF_EVENTS).on('*', () => {})
    await page.advance(OPEN)
    await page.send(['log', 'a'], ['cpu', { load: 1 }], ['log', 'b'])
    for (const [name, count] of [
      ['log', '2'],
      ['cpu', '1'],
    ] as const) {
      page.show({ name })
      expect(page.text()).toBe('0')
      await page.advance(OPEN)
      expect(page.text()).toBe(count)
    }
  })
})

describe('useStreamListener', () => {
  test('calls the newest function, without a render and without a new subscription', async () => {
    const feed = define()
    const heard: string[] = []
    const rendered = vi.fn()
    const page = mounted(
      ({ who }: { who: string }) => {
        rendered()
        useStreamListener(feed, 'log', ({ data }) => heard.push(`${who} ${data}`))
        useStreamListener(feed, '*', ({ name }) => heard.push(`any ${name}`))
        return null
      },
      { who: 'first' },
    )
    await page.advance(OPEN)
    await page.send(['log', 'a'])
    page.show({ who: 'second' })
    await page.send(['log', 'b'])
    expect(heard).toEqual(['first a', 'any log', 'second b', 'any log'])
    expect(rendered).toHaveBeenCalledTimes(2)
    expect(page.world.upstream.requests).toHaveLength(1)
  })
})

describe('useStreamGap and useStreamStatus', () => {
  test('tell of a gap, and of the connection', async () => {
    const feed = define()
    const reasons: string[] = []
    const page = mounted(() => {
      useStreamGap(feed, ({ reason }) => reasons.push(reason))
      return `${useStreamStatus(feed).state} ${useStream(feed, 'log')?.data}`
    }, {})
    expect(page.text()).toBe('connecting undefined')
    await page.advance(OPEN)
    await page.send(['log', 'a'], ['log', 'b'], ['log', 'c'])
    expect(page.text()).toBe('open c')
    page.world.upstream.cut()
    await page.advance(10)
    expect(page.text()).toBe('retrying c')
    await page.advance(2_000)
    // It does not go on where it was.
    await page.send(['log', 'd'])
    await page.advance(2_000)
    expect(page.text()).toBe('open d')
    expect(reasons).toEqual(['history-lost'])
  })
})

test('on a server it is idle and begins with what is initial, and the page that hydrates begins with the same', async () => {
  const feed = define()
  const App = () => {
    const count = useStreamFold(feed, 'log', (sum) => sum + 1, 7)
    const load = useStream(feed, 'cpu', (event) => event?.data.load ?? 'none')
    return `${load} ${count} ${useStreamStatus(feed).state}`
  }
  const { world } = stage()
  const container = document.createElement('div')
  container.innerHTML = renderToString(createElement(App))
  expect(container.textContent).toBe('none 7 idle')
  await world.clock.advance(1_000)
  expect(world.upstream.requests).toEqual([])
  // Something else on the page has the stream already.
  feed.latest('cpu').subscribe(() => {})
  await world.clock.advance(OPEN)
  world.upstream.write(eventOf('cpu', { load: 1 }))
  await world.clock.advance(10)
  const mismatch = vi.fn()
  const root = await act(() => hydrateRoot(container, createElement(App), { onRecoverableError: mismatch }))
  roots.push(root)
  expect(mismatch).not.toHaveBeenCalled()
  expect(container.textContent).toBe('1 7 connecting')
})
