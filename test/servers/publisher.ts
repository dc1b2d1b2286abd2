import { setTimeout } from 'node:timers/promises'
import type { ServerEvent } from '../browser/channel.ts'
import type { Sender } from '../browser/feed.ts'

/** How often a request that cannot be made is made again, and how many ms lie between. */
const PATIENCE = 100
const PAUSE = 50

interface Publication {
  url: string
  headers?: Record<string, string>
  body: string
}

/** A restart cuts what is on its way, and refuses what comes while it lasts. */
async function accepted(request: () => Promise<Response>): Promise<Response> {
  for (let failures = 0; ; failures++) {
    try {
      return await request()
    } catch (error) {
      if (failures === PATIENCE) throw error
      await setTimeout(PAUSE)
    }
  }
}

/** Posts each event to a server, one after the other. */
export function publisher(postOf: (event: ServerEvent) => Publication): Sender {
  let last = Promise.resolve()
  const post = async ({ url, headers = {}, body }: Publication) => {
    const response = await accepted(() => fetch(url, { method: 'POST', headers, body }))
    const answer = await response.text()
    if (!response.ok) throw new Error(`${url} has answered ${response.status}: ${answer}`)
  }
  return {
    send(event) {
      last = last.then(() => post(postOf(event)))
    },
  }
}
