import { SharedEventSource } from 'tabstream'
import { mockStreams } from 'tabstream/testing'
import { alerts, orders } from '../src/orders'
import { streams } from './setup'

test('the handle of the set-up file is the one that is installed', () => {
  expect(mockStreams()).toBe(streams)
})

test('a stream that a module has opened is driven', () => {
  const seen: string[] = []
  const off = alerts.on('alert', ({ data }) => seen.push(data))
  streams.at(alerts).send('alert', 'fire')
  off()
  expect(seen).toEqual(['fire'])
})

test('a defined stream works with fake timers', () => {
  vi.useFakeTimers()
  const states: string[] = []
  const off = orders.status.subscribe(({ state }) => states.push(state))
  const mock = streams.at(orders)
  mock.open()
  mock.disconnect({ after: 5_000 })
  expect(orders.status.get().retryAt?.getTime()).toBe(Date.now() + 5_000)
  mock.open()
  mock.close()
  off()
  expect(states).toEqual(['connecting', 'open', 'retrying', 'open', 'closed'])
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('a source has its events', () => {
  const source = new SharedEventSource('/ticker')
  const seen: unknown[] = []
  source.onopen = () => seen.push('open')
  source.onerror = () => seen.push(source.readyState)
  source.addEventListener('tick', (event) => seen.push(event instanceof MessageEvent, event.data))
  const mock = streams.at('/ticker')
  mock.send('tick', { n: 1 })
  mock.disconnect()
  mock.fail({ status: 401 })
  expect(seen).toEqual(['open', true, '{"n":1}', 0, 2])
})
