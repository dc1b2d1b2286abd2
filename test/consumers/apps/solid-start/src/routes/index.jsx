import { createStreamFold, createStreamStatus } from 'tabstream/solid'
import { feed } from '../../feed.js'

export default function Ticks() {
  const count = createStreamFold(feed, 'tick', (_former, { data }) => data.count, 0)
  const status = createStreamStatus(feed)
  return (
    <p>
      <output id="latest">{count()}</output>
      <output id="status">{status().state}</output>
    </p>
  )
}
