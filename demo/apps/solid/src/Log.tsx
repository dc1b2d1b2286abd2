import { For } from 'solid-js'
import { createStreamFold } from 'tabstream/solid'
import { feed } from './feed'

export function Log() {
  const lines = createStreamFold(
    () => feed,
    'log',
    (all, { id, data }) => [...all, { id, data }].slice(-200),
    [] as { id: string; data: string }[],
    { replay: 200 },
  )
  return (
    <ul>
      <For each={lines()}>{({ data }) => <li>{data}</li>}</For>
    </ul>
  )
}
