import { render, screen } from '@testing-library/svelte'
import { mockStreams } from 'tabstream/testing'
import { orders } from '../src/orders'
import Orders from './Orders.svelte'

const streams = mockStreams()
const text = () => screen.getByRole('status').textContent

test('shows orders, notes and the status', () => {
  const { container, unmount } = render(Orders)
  const mock = streams.at(orders)
  mock.send('order', { id: 1, total: 20 })
  mock.send('note', 'late')
  expect(text()).toBe('open, order 1, total 20, notes 1')
  expect(container.querySelector('b')?.textContent).toBe('1')
  mock.disconnect()
  expect(text()).toBe('retrying, order 1, total 20, notes 1')
  unmount()
})

test('shows at once what is known', async () => {
  streams.at(orders).seed('order', { id: 7, total: 70 })
  render(Orders)
  streams.flush()
  expect(text()).toBe('open, order 7, total 0, notes 0')
})
