/** @jsxImportSource solid-js */
import { render, screen } from '@solidjs/testing-library'
import { mockStreams } from 'tabstream/testing'
import { orders } from '../src/orders'
import { Orders } from './Orders'

const streams = mockStreams()
const text = () => screen.getByRole('status').textContent

test('shows orders, gaps and the status', () => {
  const { unmount } = render(() => <Orders />)
  const mock = streams.at(orders)
  mock.send('order', { id: 1, total: 20 })
  mock.gap()
  expect(text()).toBe('open, order 1, total 20, gaps 1')
  mock.disconnect()
  expect(text()).toBe('retrying, order 1, total 20, gaps 1')
  unmount()
  expect(mock.subscribers).toBe(0)
})

test('shows at once what is known', async () => {
  streams.at(orders).seed('order', { id: 7, total: 70 })
  render(() => <Orders />)
  await screen.findByText('open, order 7, total 0, gaps 0')
})
