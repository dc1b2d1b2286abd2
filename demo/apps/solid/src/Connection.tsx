import { Match, Switch } from 'solid-js'
import { createStreamStatus } from 'tabstream/solid'
import { feed } from './feed'

export function Connection() {
  const status = createStreamStatus(() => feed)
  return (
    <Switch fallback={<p>{status().state}</p>}>
      <Match when={status().state === 'retrying'}>
        <p>Again at {status().retryAt?.toLocaleTimeString()}</p>
      </Match>
      <Match when={status().state === 'closed'}>
        <p>
          Ended: {status().error?.message}{' '}
          <button type="button" onClick={() => feed.reconnect()}>
            Try again
          </button>
        </p>
      </Match>
    </Switch>
  )
}
