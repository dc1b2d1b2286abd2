import { useStreamFold } from 'tabstream/react'
import { feed } from './feed'

export function Log() {
  const lines = useStreamFold(
    feed,
    'log',
    (all, { id, data }) => [...all, { id, data }].slice(-200),
    [] as { id: string; data: string }[],
    { replay: 200 },
  )
  return (
    <ul>
      {lines.map(({ id, data }) => (
        <li key={id}>{data}</li>
      ))}
    </ul>
  )
}
