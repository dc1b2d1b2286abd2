import { useState } from 'react'
import { useStream, useStreamFold, useStreamGap, useStreamStatus } from 'tabstream/react'
import { orders } from '../src/orders'

export function Orders() {
  const latest = useStream(orders, 'order')
  const total = useStreamFold(orders, 'order', (sum, { data }) => sum + data.total, 0)
  const { state } = useStreamStatus(orders)
  const [gaps, setGaps] = useState(0)
  useStreamGap(orders, () => setGaps((count) => count + 1))
  return (
    <p role="status">
      {state}, order {latest?.data.id ?? 'none'}, total {total}, gaps {gaps}
    </p>
  )
}
