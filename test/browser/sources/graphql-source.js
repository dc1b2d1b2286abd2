import { createClient } from 'graphql-ws'
import { defineSource, provideSources } from 'tabstream/source'

export const graphql = defineSource(({ options }) => ({
  open(connection) {
    const client = createClient({
      url: connection.url.replace(/^http/, 'ws'),
      // The hub connects again.
      retryAttempts: 0,
      on: { connected: () => connection.opened() },
    })
    client.subscribe(options, {
      next: ({ data, errors }) =>
        errors ? connection.failed(errors) : connection.emit({ data: JSON.stringify(data) }),
      error: (error) => connection.failed(error),
      complete: () => connection.failed('the subscription is complete', { final: true }),
    })
    return () => client.dispose()
  },
}))

provideSources({ graphql })
