// @vitest-environment happy-dom
import { act, createElement, StrictMode } from 'react'
import { createRoot as createReactRoot } from 'react-dom/client'
import { createEffect, createRoot } from 'solid-js'
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createApp, h, nextTick } from 'vue'
import { defineStream, json } from '../../../src/index.ts'
import * as react from '../../../src/react/index.ts'
import * as solid from '../../../src/solid/index.ts'
import { type MockStreams, mockStreams } from '../../../src/testing/index.ts'
import * as vue from '../../../src/vue/index.ts'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

interface Events {
  cpu: { load: number }
  log: string
}

const feed = defineStream('/events', { events: { cpu: json<Events['cpu']>(), log: json<string>() } })

let streams: MockStreams

beforeEach(() => {
  streams = mockStreams()
})

afterEach(() => streams.restore())

/** Sends two events in one batch, and then loses the connection. */
function drive(): void {
  const mock = streams.at(feed)
  mock.batch(() => {
    mock.send('cpu', { load: 1 })
    mock.send('cpu', { load: 2 })
  })
  mock.disconnect()
}

test('React renders once for a batch, with act given once and for all', async () => {
  mockStreams({ act })
  const complain = vi.spyOn(console, 'error')
  const rendered: string[] = []
  const Component = () => {
    const load = react.useStream(feed, 'cpu')?.data.load
    const sum = react.useStreamFold(feed, 'cpu', (sum, { data }) => sum + data.load, 0)
    rendered.push(`${load} ${sum} ${react.useStreamStatus(feed).state}`)
    return null
  }
  streams.at(feed).seed('cpu', { load: 7 })
  const root = createReactRoot(document.createElement('div'))
  act(() => root.render(createElement(Component)))
  expect(rendered.at(-1)).toBe('undefined 0 connecting')
  // By itself, outside of a test's calls.
  await Promise.resolve()
  expect(rendered.at(-1)).toBe('7 0 open')
  const before = rendered.length
  drive()
  expect(rendered.slice(before)).toEqual(['2 3 open', '2 3 retrying'])
  act(() => root.render(createElement(StrictMode, null, createElement(Component))))
  act(() => root.unmount())
  expect(streams.at(feed).subscribers).toBe(0)
  expect(complain).not.toHaveBeenCalled()
})

test('Vue shows it in the next tick', async () => {
  const target = document.createElement('div')
  const app = createApp({
    setup() {
      const cpu = vue.useStream(feed, 'cpu')
      const status = vue.useStreamStatus(feed)
      const { data } = vue.useSharedEventSource('/ticker', ['tick'])
      return () => h('p', `${cpu.value?.data.load} ${status.value.state} ${data.value}`)
    },
  })
  app.mount(target)
  const gaps = vi.fn()
  const stop = feed.onGap(gaps)
  drive()
  streams.at('/ticker').send('tick', 'tock')
  await nextTick()
  expect(target.textContent).toBe('2 retrying tock')
  streams.at(feed).gap()
  expect(gaps).toHaveBeenCalledTimes(1)
  stop()
  app.unmount()
  expect(streams.at('/ticker').subscribers).toBe(0)
})

test('Svelte shows it at once, with flushSync given once and for all', async () => {
  mockStreams({ act: flushSync })
  const { default: Dashboard } = await import('../bindings/Dashboard.svelte')
  const target = document.createElement('div')
  const component = mount(Dashboard, { target, props: { stream: feed } })
  flushSync()
  drive()
  expect(target.textContent).toContain('2')
  expect(target.textContent).toContain('retrying')
  await unmount(component)
  expect(streams.at(feed).subscribers).toBe(0)
})

test('Solid shows it at once', () => {
  const shown: string[] = []
  const dispose = createRoot((dispose) => {
    const cpu = solid.createStream(() => feed, 'cpu')
    const status = solid.createStreamStatus(() => feed)
    createEffect(() => shown.push(`${cpu()?.data.load} ${status().state}`))
    return dispose
  })
  drive()
  // One subscription after the other.
  expect(shown).toEqual(['undefined connecting', '2 connecting', '2 open', '2 retrying'])
  dispose()
  expect(streams.at(feed).subscribers).toBe(0)
})
