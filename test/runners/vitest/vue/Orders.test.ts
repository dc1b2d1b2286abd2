import { render, screen } from '@testing-library/vue'
import { mockStreams } from 'tabstream/testing'
import { nextTick } from 'vue'
import { orders } from '../src/orders'
import Orders from './Orders.vue'

const streams = mockStreams()
const text = () => screen.getByRole('status').textContent

test('shows orders, gaps and the status', async () => {
  const { container, unmount } = render(Orders)
  const mock = streams.at(orders)
  mock.send('order', { id: 1, total: 20 })
  mock.gap()
  streams.at('/ticker').send('tick', 'tock')
  await nextTick()
  expect(text()).toBe('open, order 1, total 20, gaps 1')
  expect(container.querySelector('b')?.textContent).toBe('tock')
  mock.disconnect()
  await nextTick()
  expect(text()).toBe('retrying, order 1, total 20, gaps 1')
  unmount()
  expect(mock.subscribers).toBe(0)
})

test('shows at once what is known', async () => {
  streams.at(orders).seed('order', { id: 7, total: 70 })
  render(Orders)
  await screen.findByText('open, order 7, total 0, gaps 0')
})
