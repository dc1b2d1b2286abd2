// @vitest-environment happy-dom
import { flushSync, mount, tick, unmount } from 'svelte'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { LazyStream } from '../../../src/index.ts'
import type { NoStream } from '../../../src/svelte/index.ts'
import { OPEN, URL_OF_EVENTS } from '../upstream.ts'
import { eventOf, stage } from './stage.ts'

const { defineStream } = await import('../../../src/api/define-stream.ts')
const { json } = await import('../../../src/api/decode.ts')
const { Fold, Latest, onEvent, Status } = await import('../../../src/svelte/index.ts')
const { default: Dashboard } = await import('./Dashboard.svelte')
const { state } = await import('./state.svelte.ts')

interface Events {
  cpu: { load: number }
  log: string
}

const define = (): LazyStream<Events> =>
  defineStream(URL_OF_EVENTS, { events: { cpu: json<Events['cpu']>(), log: json<string>() } })

let ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends) await end()
  ends = []
})

/** A page with the component in it. */
function mounted(given: LazyStream<Events> | NoStream, more: object = {}) {
  const { world } = stage()
  const target = document.createElement('div')
  const stream = state<LazyStream<Events> | NoStream>(given)
  const props = {
    get stream() {
      return stream.current
    },
    ...more,
  }
  const component = mount(Dashboard, { target, props })
  flushSync()
  const end = async () => {
    ends = ends.filter((one) => one !== end)
    await unmount(component)
  }
  ends.push(end)
  return {
    world,
    end,
    give: (given: LazyStream<Events> | NoStream) => {
      stream.current = given
      flushSync()
    },
    text: () => target.querySelector('p')?.textContent,
    storeText: () => target.querySelector('b')?.textContent,
    async advance(duration: number) {
      await world.clock.advance(duration)
      await tick()
    },
    async send(...events: [name: string, data: unknown][]) {
      world.upstream.write(events.map(([name, data]) => eventOf(name, data)).join(''))
      await this.advance(10)
    },
  }
}

describe('a component', () => {
  test('shows the latest event, the last 200 and the status, and closes the connection when it goes', async () => {
    const heard: string[] = []
    const page = mounted(define(), { heard })
    expect(page.text()).toBe('none 1 initial connecting')
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['cpu', { load: 2 }])
    await page.send(...Array.from({ length: 300 }, (_, index): [string, unknown] => ['log', `line ${index}`]))
    expect(page.text()).toBe('2 200 line 299 open')
    expect(heard).toHaveLength(300)
    expect(page.world.upstream.requests).toHaveLength(1)
    await page.end()
    await page.advance(2_000)
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('is told of a gap, and of the connection', async () => {
    const reasons: string[] = []
    const page = mounted(define(), { reasons })
    await page.advance(OPEN)
    await page.send(['log', 'a'], ['log', 'b'], ['log', 'c'])
    page.world.upstream.cut()
    await page.advance(10)
    expect(page.text()).toBe('none 4 c retrying')
    await page.advance(2_000)
    // It does not go on where it was.
    await page.send(['log', 'd'])
    await page.advance(2_000)
    expect(page.text()).toBe('none 5 d open')
    expect(reasons).toEqual(['history-lost'])
  })

  test('follows the state that its stream comes from, and listens to nothing where that is falsy', async () => {
    const feed = define()
    const page = mounted(undefined)
    await page.advance(5_000)
    expect(page.text()).toBe('none 1 initial idle')
    expect(page.world.upstream.requests).toEqual([])
    page.give(feed)
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['log', 'a'])
    expect(page.text()).toBe('1 2 a open')
    page.give(false)
    await page.advance(2_000)
    expect(page.text()).toBe('none 1 initial idle')
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('runs its effects once for each batch, and 10,000 events come in a few', async () => {
    const rendered = vi.fn()
    const page = mounted(define(), { rendered })
    await page.advance(OPEN)
    await page.send(...Array.from({ length: 10_000 }, (_, load): [string, unknown] => ['cpu', { load }]))
    expect(page.text()).toBe('9999 1 initial open')
    expect(rendered).toHaveBeenLastCalledWith(9_999)
    expect(rendered.mock.calls.length).toBeLessThan(6)
  })

  test('takes a store of the main entry as $store', async () => {
    const feed = define()
    const page = mounted(false, { store: feed.latest('cpu') })
    expect(page.storeText()).toBe('none')
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['cpu', { load: 2 }])
    expect(page.storeText()).toBe('2')
    await page.end()
    await page.advance(2_000)
    expect(page.world.upstream.open.size).toBe(0)
  })
})

describe('outside a component', () => {
  test('values are what they begin with while no effect reads them', async () => {
    const { world } = stage()
    const feed = define()
    expect(new Latest(feed, 'cpu').current).toBeUndefined()
    expect(new Fold(feed, ['cpu', 'log'], (sum) => sum + 1, 7).current).toBe(7)
    expect(new Status(feed).current.state).toBe('idle')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toEqual([])
  })

  test('onEvent() says where it belongs', () => {
    stage()
    expect(() => onEvent(define(), 'log', () => {})).toThrow(/call onEvent\(\) inside \$effect/)
  })
})
