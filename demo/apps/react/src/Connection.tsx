import { useStreamStatus } from 'tabstream/react'
import { feed } from './feed'

export function Connection() {
  const { state, retryAt, error } = useStreamStatus(feed)
  if (state === 'retrying') return <p>Again at {retryAt?.toLocaleTimeString()}</p>
  if (state === 'closed')
    return (
      <p>
        Ended: {error?.message}{' '}
        <button type="button" onClick={() => feed.reconnect()}>
          Try again
        </button>
      </p>
    )
  return <p>{state}</p>
}
