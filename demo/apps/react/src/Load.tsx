import { useStream } from 'tabstream/react'
import { feed } from './feed'

export function Load() {
  const event = useStream(feed, 'cpu')
  return <p>{event === undefined ? 'waiting' : `${event.data.load} at ${event.id}`}</p>
}
