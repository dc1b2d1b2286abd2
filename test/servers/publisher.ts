import type { ServerEvent } from '../browser/channel.ts'
import type { Sender } from '../browser/feed.ts'
import { Queue, untilAccepted } from './queue.ts'

interface Publication {
  url: string
  headers?: Record<string, string>
  body: string
}

/** Posts each event to a server, one after the other. */
export function publisher(postOf: (event: ServerEvent) => Publication): Sender {
  const queue = new Queue()
  const post = async ({ url, headers = {}, body }: Publication) => {
    const response = await untilAccepted(() => fetch(url, { method: 'POST', headers, body }))
    const answer = await response.text()
    if (!response.ok) throw new Error(`${url} has answered ${response.status}: ${answer}`)
  }
  return { send: (event) => void queue.add(() => post(postOf(event))) }
}
