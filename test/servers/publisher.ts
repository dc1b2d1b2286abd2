import type { ServerEvent } from '../browser/channel.ts'
import type { Sender } from '../browser/feed.ts'

interface Publication {
  url: string
  headers?: Record<string, string>
  body: string
}

/** Posts each event to a server, one after the other. */
export function publisher(postOf: (event: ServerEvent) => Publication): Sender {
  let last = Promise.resolve()
  const post = async ({ url, headers = {}, body }: Publication) => {
    const response = await fetch(url, { method: 'POST', headers, body })
    const answer = await response.text()
    if (!response.ok) throw new Error(`${url} has answered ${response.status}: ${answer}`)
  }
  return {
    send(event) {
      last = last.then(() => post(postOf(event)))
    },
  }
}
