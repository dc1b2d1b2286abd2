import { mount } from '@vue/test-utils'
import { mockStreams } from 'tabstream/testing'
import { useSharedEventSource, useStream, useStreamStatus } from 'tabstream/vue'
import { h, nextTick } from 'vue'
import { orders } from './orders'

const streams = mockStreams()

const Orders = {
  setup() {
    const latest = useStream(orders, 'order')
    const status = useStreamStatus(orders)
    const { data } = useSharedEventSource('/ticker', ['tick'])
    return () => h('p', `${status.value.state}, order ${latest.value?.data.id}, ${data.value}`)
  },
}

test('shows orders and the status', async () => {
  const wrapper = mount(Orders)
  const mock = streams.at(orders)
  mock.send('order', { id: 1, total: 20 })
  streams.at('/ticker').send('tick', 'tock')
  await nextTick()
  expect(wrapper.text()).toBe('open, order 1, tock')
  wrapper.unmount()
  expect(mock.subscribers).toBe(0)
})
