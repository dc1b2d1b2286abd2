// @vitest-environment happy-dom
import { type UseEventSourceOptions, type UseEventSourceReturn, useEventSource } from '@vueuse/core'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { type App, createApp, createSSRApp, effectScope, h, nextTick, ref, shallowRef } from 'vue'
import { renderToString } from 'vue/server-renderer'
import type { LazyStream } from '../../../src/index.ts'
import type {
  NoStream,
  UseSharedEventSourceOptions,
  UseSharedEventSourceReturn,
} from '../../../src/vue/index.ts'
import { OPEN, Page, URL_OF_EVENTS } from '../upstream.ts'
import { eventOf, stage } from './stage.ts'

const { useSharedEventSource, useStream, useStreamFold, useStreamGap, useStreamListener, useStreamStatus } =
  await import('../../../src/vue/index.ts')
const { defineStream } = await import('../../../src/api/define-stream.ts')
const { json } = await import('../../../src/api/decode.ts')

interface Events {
  cpu: { load: number }
  log: string
}

const define = (): LazyStream<Events> =>
  defineStream(URL_OF_EVENTS, { events: { cpu: json<Events['cpu']>(), log: json<string>() } })

let apps: App[] = []

afterEach(() => {
  for (const app of apps) app.unmount()
  apps = []
})

/** A page with a component in it, whose `setup` gives what it shows. */
function mounted(setup: () => () => string) {
  const { world } = stage()
  const container = document.createElement('div')
  const rendered = vi.fn()
  const app = createApp({
    setup() {
      const text = setup()
      return () => {
        rendered()
        return h('p', text())
      }
    },
  })
  app.mount(container)
  apps.push(app)
  return {
    world,
    rendered,
    unmount: () => apps.pop()?.unmount(),
    text: () => container.textContent,
    async advance(duration: number) {
      await world.clock.advance(duration)
      await nextTick()
    },
    async send(...events: [name: string, data: unknown][]) {
      world.upstream.write(events.map(([name, data]) => eventOf(name, data)).join(''))
      await this.advance(10)
    },
  }
}

describe('useStream', () => {
  test('shows the latest event, and closes the connection with the component', async () => {
    const feed = define()
    const page = mounted(() => {
      const cpu = useStream(feed, 'cpu')
      return () => `load ${cpu.value?.data.load}`
    })
    expect(page.text()).toBe('load undefined')
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['cpu', { load: 2 }])
    expect(page.text()).toBe('load 2')
    expect(page.world.upstream.open.size).toBe(1)
    page.unmount()
    await page.advance(2_000)
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('follows refs and getters, and listens to nothing where the stream is falsy', async () => {
    const feed = define()
    const stream = ref<LazyStream<Events> | NoStream>(undefined)
    const name = ref<'cpu' | 'log'>('cpu')
    const heard: unknown[] = []
    const page = mounted(() => {
      const event = useStream(stream, () => name.value)
      const count = useStreamFold(stream, name, (sum) => sum + 1, 0)
      const status = useStreamStatus(stream)
      useStreamGap(stream, () => {})
      useStreamListener(stream, name, ({ data }) => heard.push(data))
      return () => `${JSON.stringify(event.value?.data)} ${count.value} ${status.value.state}`
    })
    await page.advance(5_000)
    expect(page.text()).toBe('undefined 0 idle')
    expect(page.world.upstream.requests).toEqual([])
    stream.value = feed
    await page.advance(OPEN)
    await page.send(['cpu', { load: 1 }], ['cpu', { load: 2 }])
    expect(page.text()).toBe('{"load":2} 2 open')
    name.value = 'log'
    await page.advance(OPEN)
    await page.send(['log', 'a'])
    expect(page.text()).toBe('"a" 1 open')
    expect(page.world.upstream.requests).toHaveLength(1)
    stream.value = false
    await page.advance(2_000)
    expect(page.text()).toBe('undefined 0 idle')
    expect(heard).toEqual([{ load: 1 }, { load: 2 }, 'a'])
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('renders once for each batch, and 10,000 events come in a few', async () => {
    const feed = define()
    const page = mounted(() => {
      const cpu = useStream(feed, 'cpu')
      return () => `${cpu.value?.data.load}`
    })
    await page.advance(OPEN)
    await page.send(...Array.from({ length: 10_000 }, (_, load): [string, unknown] => ['cpu', { load }]))
    expect(page.text()).toBe('9999')
    expect(page.rendered.mock.calls.length).toBeLessThan(6)
  })

  test('outside a component it listens at once, and ends with its scope', async () => {
    const { world } = stage()
    const feed = define()
    const scope = effectScope()
    const load = scope.run(() => useStream(feed, 'cpu'))
    await world.clock.advance(OPEN)
    world.upstream.write(eventOf('cpu', { load: 1 }))
    await world.clock.advance(10)
    expect(load?.value?.data.load).toBe(1)
    scope.stop()
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
  })

  test('ends with a scope that is stopped within a component', async () => {
    const feed = define()
    const scope = effectScope(true)
    const page = mounted(() => {
      const cpu = scope.run(() => useStream(feed, 'cpu'))
      return () => `${cpu?.value}`
    })
    await page.advance(OPEN)
    expect(page.world.upstream.open.size).toBe(1)
    scope.stop()
    await page.advance(2_000)
    expect(page.world.upstream.open.size).toBe(0)
  })
})

describe('useStreamFold', () => {
  test('makes a list of the last 200', async () => {
    const feed = define()
    const page = mounted(() => {
      const lines = useStreamFold(
        feed,
        ['log'],
        (all, { data }) => [...all, data].slice(-200),
        [] as string[],
      )
      return () => `${lines.value.length} ${lines.value.at(-1)}`
    })
    await page.advance(OPEN)
    await page.send(...Array.from({ length: 300 }, (_, index): [string, unknown] => ['log', `line ${index}`]))
    expect(page.text()).toBe('200 line 299')
  })

  test('begins with what came before where that is wanted', async () => {
    const feed = define()
    const stream = shallowRef<LazyStream<Events>>()
    const page = mounted(() => {
      const count = useStreamFold(stream, '*', (sum) => sum + 1, 0, { replay: 'all' })
      return () => `${count.value}`
    })
    new Page(page.world, 'other').connect(URL_OF_EVENTS).on('*', () => {})
    await page.advance(OPEN)
    await page.send(['log', 'a'], ['cpu', { load: 1 }])
    stream.value = feed
    await page.advance(OPEN)
    expect(page.text()).toBe('2')
  })
})

test('useStreamListener calls a function with each event, until it is ended', async () => {
  const feed = define()
  const heard: string[] = []
  let off = () => {}
  const page = mounted(() => {
    off = useStreamListener(feed, 'log', ({ data }) => heard.push(data))
    useStreamListener(feed, '*', ({ name }) => heard.push(`any ${name}`))
    return () => ''
  })
  await page.advance(OPEN)
  await page.send(['log', 'a'])
  off()
  await page.send(['log', 'b'])
  expect(heard).toEqual(['a', 'any log', 'any log'])
  expect(page.rendered).toHaveBeenCalledOnce()
})

test('useStreamGap and useStreamStatus tell of a gap, and of the connection', async () => {
  const feed = define()
  const reasons: string[] = []
  const page = mounted(() => {
    useStreamGap(feed, ({ reason }) => reasons.push(reason))
    const status = useStreamStatus(feed)
    const event = useStream(feed, 'log')
    return () => `${status.value.state} ${event.value?.data}`
  })
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

test('on a server it is idle and begins with what is initial, and the page that hydrates begins with the same', async () => {
  const feed = define()
  const component = {
    setup() {
      const cpu = useStream(feed, 'cpu')
      const count = useStreamFold(feed, 'log', (sum) => sum + 1, 7)
      const status = useStreamStatus(feed)
      return () => h('p', `${cpu.value?.data.load ?? 'none'} ${count.value} ${status.value.state}`)
    },
  }
  const { world } = stage()
  const container = document.createElement('div')
  container.innerHTML = await renderToString(createSSRApp(component))
  expect(container.textContent).toBe('none 7 idle')
  await world.clock.advance(1_000)
  expect(world.upstream.requests).toEqual([])
  // Something else on the page has the stream already.
  feed.latest('cpu').subscribe(() => {})
  await world.clock.advance(OPEN)
  world.upstream.write(eventOf('cpu', { load: 1 }))
  await world.clock.advance(10)
  const warned = vi.spyOn(console, 'warn')
  const app = createSSRApp(component)
  app.mount(container)
  apps.push(app)
  expect(warned).not.toHaveBeenCalled()
  await nextTick()
  expect(container.textContent).toBe('1 7 connecting')
})

describe('useSharedEventSource', () => {
  test('gives what the one of VueUse gives, and the latest gap', () => {
    stage()
    const scope = effectScope()
    const options = { immediate: false }
    const namesOf = (use: () => object) => Object.keys(scope.run(use) ?? {})
    const own = namesOf(() => useSharedEventSource(URL_OF_EVENTS, [], options))
    const others = namesOf(() => useEventSource(URL_OF_EVENTS, [], options))
    expect(own.sort()).toEqual([...others, 'gap'].sort())
    scope.stop()
    // Checked by the compiler.
    expectTypeOf<UseSharedEventSourceReturn<'cpu', number>>().toExtend<
      UseEventSourceReturn<['cpu'], number>
    >()
    type Options = Omit<UseEventSourceOptions<number>, 'autoReconnect'>
    expectTypeOf<Required<Options>>().toExtend<UseSharedEventSourceOptions<number>>()
    expectTypeOf<keyof Options>().toExtend<keyof UseSharedEventSourceOptions<number>>()
  })

  test('follows the URL, the events and the connection', async () => {
    const url = ref<string>()
    const seen: unknown[] = []
    const page = mounted(() => {
      const { eventSource, event, data, status, error, lastEventId, gap } = useSharedEventSource(
        url,
        ['cpu'],
        {
          serializer: { read: (data = '') => JSON.parse(data) as { load: number } },
        },
      )
      return () => {
        seen.push(eventSource.value)
        return [event, data, status, error, lastEventId, gap]
          .map(({ value }) => (value instanceof Event ? value.type : JSON.stringify(value)))
          .join(' ')
      }
    })
    expect(page.text()).toBe('null null "CONNECTING" null null null')
    expect(seen).toEqual([null])
    url.value = URL_OF_EVENTS
    await page.advance(OPEN)
    expect(page.text()).toBe('null null "OPEN" null null null')
    page.world.upstream.write('event: cpu\nid: x1\ndata: {"load":1}\n\n')
    await page.advance(10)
    expect(page.text()).toBe('"cpu" {"load":1} "OPEN" null "x1" null')
    page.world.upstream.write('id: x2\ndata: 2\n\n')
    await page.advance(10)
    expect(page.text()).toBe('null 2 "OPEN" null "x2" null')
    page.world.upstream.cut()
    await page.advance(10)
    expect(page.text()).toBe('null 2 "CONNECTING" error "x2" null')
    await page.advance(2_000)
    page.world.upstream.write('id: y1\ndata: 3\n\n')
    await page.advance(2_000)
    expect(page.text()).toBe('null 3 "OPEN" null "y1" gap')
    page.unmount()
    await page.advance(2_000)
    expect(page.world.upstream.open.size).toBe(0)
  })

  test('opens and closes when it is told to', async () => {
    const { world } = stage()
    const scope = effectScope()
    const source = scope.run(() => useSharedEventSource(URL_OF_EVENTS, [], { immediate: false }))
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toEqual([])
    source?.open()
    await world.clock.advance(OPEN)
    expect(source?.status.value).toBe('OPEN')
    source?.close()
    expect([source?.status.value, source?.eventSource.value]).toEqual(['CLOSED', null])
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
    scope.stop()
  })
})
