import { useCallback, useEffect, useState } from 'react'
import { useStreamGap, useStreamListener } from 'tabstream/react'
import { feed } from './feed'

export function Machines() {
  const [machines, setMachines] = useState<string[]>([])
  const refetch = useCallback(async () => setMachines(await (await fetch('/machines')).json()), [])
  useEffect(() => void refetch(), [refetch])
  useStreamGap(feed, refetch)
  useStreamListener(feed, 'log', ({ data }) => console.log(data))
  return <p>{machines.join(', ')}</p>
}
