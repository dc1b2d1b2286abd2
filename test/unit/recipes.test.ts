// @vitest-environment happy-dom
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configureStore } from '@reduxjs/toolkit'
import { createPinia, setActivePinia } from 'pinia'
import { mockStreams } from 'tabstream/testing'
import { afterAll, afterEach, expect, test, vi } from 'vitest'

// The code of docs/recipes.md, as it stands there, with the libraries that it is for.

const ROOT = join(import.meta.dirname, '../..')

mkdirSync(join(ROOT, 'build'), { recursive: true })
// Within the project, so that the libraries are found.
const folder = mkdtempSync(join(ROOT, 'build/recipes-'))
const page = readFileSync(join(ROOT, 'docs/recipes.md'), 'utf8')
for (const [, file = '', code = ''] of page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g))
  writeFileSync(join(folder, file), code)

const streams = mockStreams()
const feed = () => streams.at('/events')

// biome-ignore lint/suspicious/noExplicitAny: modules that do not exist before the test runs
const load = (file: string): Promise<any> => import(/* @vite-ignore */ join(folder, file))

const answerWith = (body: unknown, headers: Record<string, string> = {}) =>
  vi.fn(async () => new Response(JSON.stringify(body), { headers }))

afterEach(() => {
  streams.reset()
  vi.unstubAllGlobals()
})

afterAll(() => {
  streams.restore()
  rmSync(folder, { recursive: true })
})

const ORDER = { id: '7', total: 3 }

test('TanStack Query is told what has changed, and that everything may have', async () => {
  const { queries, followOrders } = await load('query.ts')
  queries.setQueryData(['orders'], [])
  const stop = followOrders()
  feed().send('order-changed', ORDER)
  expect(queries.getQueryData(['order', '7'])).toEqual(ORDER)
  expect(queries.getQueryState(['orders'])?.isInvalidated).toBe(false)
  feed().send('order-added', ORDER)
  expect(queries.getQueryState(['orders'])?.isInvalidated).toBe(true)
  expect(queries.getQueryState(['order', '7'])?.isInvalidated).toBe(false)
  feed().gap()
  expect(queries.getQueryState(['order', '7'])?.isInvalidated).toBe(true)
  stop()
  expect(feed().subscribers).toBe(0)
  queries.clear()
})

test('RTK Query loses no event between the request and its data, and fetches again after a gap', async () => {
  const { api } = await load('api.ts')
  let answer: (response: Response) => void = () => {}
  const fetched = vi.fn(() => new Promise<Response>((resolve) => (answer = resolve)))
  vi.stubGlobal('fetch', fetched)
  const store = configureStore({
    reducer: { [api.reducerPath]: api.reducer },
    middleware: (standard) => standard().concat(api.middleware),
  })
  const use = store.dispatch(api.endpoints.orders.initiate())
  const orders = () => api.endpoints.orders.select()(store.getState()).data
  const answered = (body: unknown) =>
    answer(new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } }))
  await vi.waitFor(() => expect(feed().subscribers).toBeGreaterThan(0))
  feed().send('order-added', { id: 'early', total: 1 })
  answered([ORDER])
  await vi.waitFor(() => expect(orders()).toEqual([ORDER, { id: 'early', total: 1 }]))
  feed().send('order-added', { id: 'late', total: 2 })
  feed().send('order-added', ORDER)
  expect(orders()).toEqual([ORDER, { id: 'early', total: 1 }, { id: 'late', total: 2 }])
  feed().gap()
  await vi.waitFor(() => expect(fetched).toHaveBeenCalledTimes(2))
  answered([])
  await vi.waitFor(() => expect(orders()).toEqual([]))
  use.unsubscribe()
  store.dispatch(api.util.resetApiState())
  await vi.waitFor(() => expect(feed().subscribers).toBe(0))
})

test('a store of Pinia listens as long as it lives', async () => {
  setActivePinia(createPinia())
  const { useOrders } = await load('orders.ts')
  const store = useOrders()
  feed().send('order-added', ORDER)
  expect(store.orders).toEqual([ORDER])
  feed().gap()
  expect(store.isStale).toBe(true)
  vi.stubGlobal('fetch', answerWith([]))
  await store.load()
  expect([store.orders, store.isStale]).toEqual([[], false])
  store.$dispose()
  expect(feed().subscribers).toBe(0)
})

test('a notice is shown once, however many tabs get it', async () => {
  const shown: string[] = []
  vi.stubGlobal(
    'Notification',
    class {
      constructor(title: string) {
        shown.push(title)
      }
    },
  )
  const taken = new Set<string>()
  const request = async (name: string, _options: object, work: (lock: object | null) => Promise<void>) => {
    if (taken.has(name)) return work(null)
    taken.add(name)
    return work({ name })
  }
  vi.stubGlobal('navigator', { locks: { request } })
  // Two tabs.
  await load('toast.ts?1')
  await load('toast.ts?2')
  feed().send('notice', 'Lunch', { id: '1' })
  feed().send('notice', 'Coffee', { id: '2' })
  await vi.waitFor(() => expect(shown).toEqual(['Lunch', 'Coffee']))
})

test('a session has the key of its user and a fresh token, and ends in all tabs', async () => {
  const { inbox, logIn, logOut } = await load('session.ts')
  logIn('ann', 'first')
  inbox.on('mail', () => {})
  const stream = streams.at('/inbox')
  expect(stream.request?.key).toBe('ann')
  expect(Object.values((await stream.ask('connect')).headers)).toEqual(['Bearer first'])
  const fetched = vi.fn(async () => new Response('second'))
  vi.stubGlobal('fetch', fetched)
  expect(Object.values((await stream.ask('unauthorized')).headers)).toEqual(['Bearer second'])
  await logOut()
  expect(stream.ends).toBe(1)
  expect(fetched).toHaveBeenLastCalledWith('/session', { method: 'DELETE' })
})

test('a board goes on after its snapshot', async () => {
  const { openBoard } = await load('board.ts')
  vi.stubGlobal('fetch', answerWith({ cards: 2 }, { 'X-Last-Event-Id': '41' }))
  const states: unknown[] = []
  const changes: string[] = []
  const board = await openBoard(
    (state: unknown) => states.push(state),
    (change: string) => changes.push(change),
  )
  const stream = streams.at('/board/changes')
  expect(stream.request?.since).toBe('41')
  stream.send('change', 'a third card')
  expect(changes).toEqual(['a third card'])
  stream.gap()
  await vi.waitFor(() => expect(states).toEqual([{ cards: 2 }, { cards: 2 }]))
  board.close()
})

test('an answer is asked for once, and ends', async () => {
  const { ask } = await load('answer.ts')
  let text = ''
  const answer = ask('5', 'Why?', (more: string) => {
    text += more
  })
  const stream = streams.at('/conversations/5/answer')
  expect(stream.request).toMatchObject({ method: 'POST', body: '{"question":"Why?"}' })
  stream.send('token', { text: 'Because ' })
  stream.send('token', { text: 'it is.' })
  answer.on('message', () => {})
  stream.send('message', '[DONE]')
  expect(text).toBe('Because it is.')
  await vi.waitFor(() => expect(answer.status.state).toBe('closed'))
})

test('a status is told in words', async () => {
  const { showStatus } = await load('status.ts')
  const element = document.createElement('p')
  showStatus(element)
  const stream = feed()
  stream.open()
  expect(element.textContent).toBe('live')
  stream.disconnect()
  expect(element.textContent).toMatch(/^offline, next attempt at \d/)
  stream.park()
  expect(element.textContent).toBe('live')
  stream.fail({ message: 'the server answered 403' })
  expect(element.textContent).toBe('ended: the server answered 403')
})
