import { useStream, useStreamFold, useStreamStatus } from 'tabstream/react'
import { orders } from './orders'

export function Orders() {
  const latest = useStream(orders, 'order')
  const total = useStreamFold(orders, 'order', (sum, { data }) => sum + data.total, 0)
  const { state } = useStreamStatus(orders)
  return (
    <p role="status">
      {state}, order {latest?.data.id ?? 'none'}, total {total}
    </p>
  )
}
