'use client'

import { useStreamFold, useStreamStatus } from 'tabstream/react'
import { feed } from './feed.js'

export function Ticks() {
  const count = useStreamFold(feed, 'tick', (_former, { data }) => data.count, 0)
  const { state } = useStreamStatus(feed)
  return (
    <p>
      <output id="latest">{count}</output>
      <output id="status">{state}</output>
    </p>
  )
}
