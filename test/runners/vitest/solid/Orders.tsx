/** @jsxImportSource solid-js */
import { createSignal } from 'solid-js'
import { createStream, createStreamFold, createStreamGap, createStreamStatus } from 'tabstream/solid'
import { orders } from '../src/orders'

export function Orders() {
  const latest = createStream(() => orders, 'order')
  const total = createStreamFold(
    () => orders,
    'order',
    (sum, { data }) => sum + data.total,
    0,
  )
  const status = createStreamStatus(() => orders)
  const [gaps, setGaps] = createSignal(0)
  createStreamGap(
    () => orders,
    () => setGaps((count) => count + 1),
  )
  return (
    <p role="status">
      {status().state}, order {latest()?.data.id ?? 'none'}, total {total()}, gaps {gaps()}
    </p>
  )
}
