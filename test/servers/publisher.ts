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
    const request = { method: 'POST', headers, body }
    // A restart can close a socket that was kept for another request.
    const response = await fetch(url, request).catch(() => fetch(url, request))
    const answer = await response.text()
    if (!response.ok) throw new Error(`${url} has answered ${response.status}: ${answer}`)
  }
  return {
    send(event) {
      last = last.then(() => post(postOf(event)))
    },
  }
}
