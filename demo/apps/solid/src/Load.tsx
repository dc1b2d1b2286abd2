import { createMemo, Show } from 'solid-js'
import { createStream } from 'tabstream/solid'
import { feed } from './feed'

export function Load() {
  const event = createStream(() => feed, 'cpu')
  const isHigh = createMemo(() => (event()?.data.load ?? 0) > 0.9)
  return (
    <Show when={event()} fallback={<p>waiting</p>}>
      {(event) => (
        <p classList={{ high: isHigh() }}>
          {event().data.load} at {event().id}
        </p>
      )}
    </Show>
  )
}
