import { act, cleanup, render, screen } from '@testing-library/react'
import { mockStreams } from 'tabstream/testing'
import { Orders } from './Orders'
import { orders } from './orders'

const streams = mockStreams({ act })
const text = () => screen.getByRole('status').textContent
const complaints = jest.spyOn(console, 'error')

afterEach(() => expect(complaints).not.toHaveBeenCalled())

test('shows orders and the status', () => {
  render(<Orders />)
  const mock = streams.at(orders)
  expect(text()).toBe('connecting, order none, total 0')
  mock.send('order', { id: 1, total: 20 })
  expect(text()).toBe('open, order 1, total 20')
  mock.disconnect()
  expect(text()).toBe('retrying, order 1, total 20')
})

test('shows at once what is known', async () => {
  streams.at(orders).seed('order', { id: 7, total: 70 })
  render(<Orders />)
  await screen.findByText('open, order 7, total 0')
})

test('goes on under fake timers, which replace queueMicrotask() and nextTick() here', async () => {
  jest.useFakeTimers()
  const mock = streams.at(orders)
  mock.seed('order', { id: 7, total: 70 })
  render(<Orders />)
  await act(async () => {})
  expect(text()).toBe('open, order 7, total 0')
  mock.send('order', { id: 8, total: 80 })
  expect(text()).toBe('open, order 8, total 80')
  mock.close()
  expect(text()).toBe('closed, order 8, total 80')
  cleanup()
  jest.useRealTimers()
})
