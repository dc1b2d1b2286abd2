import { cleanup, render, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { mockStreams } from 'tabstream/testing'
import { orders } from '../src/orders'
import { Orders } from './Orders'

const streams = mockStreams()
const text = () => screen.getByRole('status').textContent

const complaints = vi.spyOn(console, 'error')

afterEach(() => expect(complaints).not.toHaveBeenCalled())

test('shows orders, gaps and the status', () => {
  render(<Orders />)
  const mock = streams.at(orders)
  expect(text()).toBe('connecting, order none, total 0, gaps 0')
  mock.send('order', { id: 1, total: 20 })
  expect(text()).toBe('open, order 1, total 20, gaps 0')
  mock.batch(() => {
    mock.send('order', { id: 2, total: 5 })
    mock.send('order', { id: 3, total: 5 })
  })
  mock.gap()
  mock.disconnect()
  expect(text()).toBe('retrying, order 3, total 30, gaps 1')
  mock.fail({ status: 401 })
  expect(text()).toBe('closed, order 3, total 30, gaps 1')
})

test('shows at once what is known', async () => {
  streams.at(orders).seed('order', { id: 7, total: 70 })
  render(<Orders />)
  await screen.findByText('open, order 7, total 0, gaps 0')
})

test('shows what is known without waiting, and closes with the component', () => {
  const mock = streams.at(orders)
  mock.seed('order', { id: 7, total: 70 })
  const { unmount } = render(<Orders />, { wrapper: StrictMode })
  streams.flush()
  expect(text()).toBe('open, order 7, total 0, gaps 0')
  unmount()
  expect(mock.subscribers).toBe(0)
})

test('goes on under fake timers', () => {
  vi.useFakeTimers()
  render(<Orders />)
  streams.at(orders).send('order', { id: 1, total: 1 })
  expect(text()).toBe('open, order 1, total 1, gaps 0')
  cleanup()
  vi.useRealTimers()
})
