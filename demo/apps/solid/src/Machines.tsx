import { createResource } from 'solid-js'
import { createStreamGap, createStreamListener } from 'tabstream/solid'
import { feed } from './feed'

export function Machines() {
  const [machines, { refetch }] = createResource(
    async (): Promise<string[]> => (await fetch('/machines')).json(),
  )
  createStreamGap(() => feed, refetch)
  createStreamListener(
    () => feed,
    'log',
    ({ data }) => console.log(data),
  )
  return <p>{machines()?.join(', ')}</p>
}
