import { useSyncExternalStore } from 'react'
import { filter, from as fromObservable, map, type Observable } from 'rxjs'
import { from as fromProducer } from 'solid-js'
import type { readable } from 'svelte/store'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { LazyStatus, LazyStream, Store, StreamEvent } from '../../../src/index.ts'
import * as react from '../../../src/react/index.ts'
import * as solid from '../../../src/solid/index.ts'
import { OPEN, URL_OF_EVENTS } from '../upstream.ts'
import { eventOf, stage } from './stage.ts'

const { defineStream } = await import('../../../src/api/define-stream.ts')
const { json } = await import('../../../src/api/decode.ts')
const svelte = await import('../../../src/svelte/index.ts')
const vue = await import('../../../src/vue/index.ts')

interface Cpu {
  load: number
}

type Latest = StreamEvent<Cpu, 'cpu'> | undefined

const define = () => defineStream(URL_OF_EVENTS, { events: { cpu: json<Cpu>(), log: String } })

/** What Angular's `toSignal` takes besides observables. */
interface Subscribable<Value> {
  subscribe(observer: Partial<{ next: (value: Value) => void }>): { unsubscribe(): void }
}

test("RxJS's from() takes a store, and ends with the subscription", async () => {
  const { world } = stage()
  const loads = fromObservable(define().latest('cpu')).pipe(
    filter((event) => event !== undefined),
    map(({ data }) => data.load),
  )
  const seen: number[] = []
  const subscription = loads.subscribe((load) => seen.push(load))
  await world.clock.advance(OPEN)
  world.upstream.write(eventOf('cpu', { load: 1 }))
  await world.clock.advance(10)
  world.upstream.write(eventOf('cpu', { load: 2 }))
  await world.clock.advance(10)
  expect(seen).toEqual([1, 2])
  subscription.unsubscribe()
  await world.clock.advance(2_000)
  expect(world.upstream.open.size).toBe(0)
})

// What these tests say is checked by the compiler; nothing in the functions within them is ever run.

describe('a store is what is taken', () => {
  const store = {} as Store<Latest>

  test("by React's useSyncExternalStore", () => {
    const use = () => useSyncExternalStore(store.subscribe, store.get, store.get)
    expectTypeOf(use).returns.toEqualTypeOf<Latest>()
  })

  test("by Svelte's $store", () => {
    type Contract = Pick<ReturnType<typeof readable<Latest>>, 'subscribe'>
    expectTypeOf(store).toExtend<Contract>()
  })

  test("by Solid's from()", () => {
    const use = () => fromProducer(store)
    expectTypeOf(use).returns.toEqualTypeOf<() => Latest>()
  })

  test("by RxJS's from()", () => {
    const use = () => fromObservable(store)
    expectTypeOf(use).returns.toEqualTypeOf<Observable<Latest>>()
  })

  test("by Angular's toSignal()", () => {
    const toSignal = <Value>(source: Subscribable<Value>) => source as unknown as () => Value
    const use = () => toSignal(store)
    expectTypeOf(use).returns.toEqualTypeOf<() => Latest>()
  })
})

describe('types follow from the definition of the stream', () => {
  type Feed = ReturnType<typeof define>
  const feed = {} as Feed
  const isLive = true as boolean

  test('with React', () => {
    const load = () => react.useStream(isLive && feed, 'cpu', (event) => event?.data.load ?? 0)
    expectTypeOf(load).returns.toEqualTypeOf<number>()
    const event = () => react.useStream(feed, 'cpu')
    expectTypeOf(event).returns.toEqualTypeOf<Latest>()
    const lines = () => react.useStreamFold(feed, ['log'], (all, { data }) => [...all, data], [] as string[])
    expectTypeOf(lines).returns.toEqualTypeOf<string[]>()
    const both = () =>
      react.useStreamFold(feed, ['cpu', 'log'], (all: (Cpu | string)[], { data }) => [...all, data], [])
    expectTypeOf(both).returns.toEqualTypeOf<(Cpu | string)[]>()
    const status = () => react.useStreamStatus(feed)
    expectTypeOf(status).returns.toEqualTypeOf<LazyStatus>()
    // @ts-expect-error: no such event
    const wrong = () => react.useStream(feed, 'disk')
    expectTypeOf(wrong).toBeFunction()
  })

  test('with Vue', () => {
    const event = () => vue.useStream(() => isLive && feed, 'cpu').value
    expectTypeOf(event).returns.toEqualTypeOf<Latest>()
    // @ts-expect-error: no such event
    const wrong = () => vue.useStream(feed, 'disk')
    expectTypeOf(wrong).toBeFunction()
  })

  test('with Svelte', () => {
    const event = () => new svelte.Latest(() => isLive && feed, 'cpu').current
    expectTypeOf(event).returns.toEqualTypeOf<Latest>()
    const count = () => new svelte.Fold(feed, '*', (sum) => sum + 1, 0).current
    expectTypeOf(count).returns.toEqualTypeOf<number>()
  })

  test('with Solid', () => {
    const event = () => solid.createStream(() => isLive && feed, 'cpu')()
    expectTypeOf(event).returns.toEqualTypeOf<Latest>()
  })

  test('where the stream names no events, any name is allowed and data are strings', () => {
    const plain = {} as LazyStream
    const event = () => react.useStream(plain, 'anything')?.data
    expectTypeOf(event).returns.toEqualTypeOf<string | undefined>()
  })
})
