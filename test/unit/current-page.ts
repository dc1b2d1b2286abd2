import type { Client } from '../../src/page/client.ts'

let client: Client | undefined

/** Whose client the next source or stream is opened with. */
export const enter = (wanted: Client): void => {
  client = wanted
}

/** In place of the one of `src/api/page-client.ts`: here several pages share a thread. */
export const pageClient = (): Client => {
  if (client === undefined) throw new Error('no page has been entered')
  return client
}

export const canOpen = () => true
