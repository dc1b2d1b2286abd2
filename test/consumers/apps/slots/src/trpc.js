import { createTRPCClient, httpSubscriptionLink } from '@trpc/client'
import { SharedEventSource } from 'tabstream'

const client = createTRPCClient({
  links: [httpSubscriptionLink({ url: '/trpc', EventSource: SharedEventSource })],
})
client.ticks.subscribe(undefined, {
  onData: ({ data }) => {
    document.querySelector('#latest').textContent = data
  },
})
