import { SharedEventSource } from 'tabstream'
import { mockStreams } from 'tabstream/testing'
import { alerts, orders } from './orders'

const streams = mockStreams()

test('a stream that a module has opened is driven', () => {
  const seen: string[] = []
  const off = alerts.on('alert', ({ data }) => seen.push(data))
  streams.at(alerts).send('alert', 'fire')
  off()
  expect(seen).toEqual(['fire'])
})

test('a defined stream works with fake timers', async () => {
  jest.useFakeTimers()
  const loads: unknown[] = []
  const mock = streams.at(orders)
  mock.seed('order', { id: 1, total: 1 })
  const off = orders.latest('order').subscribe((event) => loads.push(event?.data.id))
  await Promise.resolve()
  mock.send('order', { id: 2, total: 1 })
  mock.disconnect({ after: 5_000 })
  off()
  expect(loads).toEqual([undefined, 1, 2])
  jest.useRealTimers()
})

test('a source has its events', () => {
  const source = new SharedEventSource('/ticker')
  const seen: unknown[] = []
  source.onopen = () => seen.push('open')
  source.onerror = () => seen.push(source.readyState)
  source.addEventListener('tick', (event) => seen.push(event.data))
  const mock = streams.at('/ticker')
  mock.send('tick', { n: 1 })
  mock.disconnect()
  mock.fail({ status: 401 })
  expect(seen).toEqual(['open', '{"n":1}', 0, 2])
})

test('a module that is loaded anew has the mock, too', () => {
  jest.isolateModules(() => {
    const { orders: another } = require('./orders')
    const heard = jest.fn()
    const off = another.on('order', heard)
    expect(another).not.toBe(orders)
    streams.at('/orders').send('order', { id: 1 })
    off()
    expect(heard).toHaveBeenCalledTimes(1)
  })
})
