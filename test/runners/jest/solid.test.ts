import { createEffect, createRoot } from 'solid-js'
import { createStream, createStreamStatus } from 'tabstream/solid'
import { mockStreams } from 'tabstream/testing'
import { orders } from './orders'

const streams = mockStreams()

test('shows orders and the status', async () => {
  const shown: string[] = []
  const dispose = createRoot((dispose) => {
    const latest = createStream(() => orders, 'order')
    const status = createStreamStatus(() => orders)
    createEffect(() => shown.push(`${status().state}, order ${latest()?.data.id}`))
    return dispose
  })
  const mock = streams.at(orders)
  mock.send('order', { id: 1, total: 20 })
  expect(shown.at(-1)).toBe('open, order 1')
  dispose()
  await Promise.resolve()
  expect(mock.subscribers).toBe(0)
})
