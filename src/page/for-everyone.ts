import type { Client } from './client.ts'
import type { PageSubscription } from './page-subscription.ts'

// What one page does to a stream for everyone who shares it. Apart from the client, because not every page does.

/** Wants another connection now. */
export function reconnect(client: Pick<Client, 'link' | 'resume'>, { id }: PageSubscription): void {
  if (client.link === undefined) client.resume()
  else client.link.remote.reconnect(id)
}

/** Ends the stream of a subscription that is about to be closed. */
export async function end(
  client: Pick<Client, 'link' | 'attach'>,
  { id, wish, isKnown }: PageSubscription,
): Promise<void> {
  if (isKnown && client.link) {
    client.link.remote.end(id)
    return
  }
  // Others may have the stream at a hub that does not know this subscription.
  const link = await client.attach().catch(() => undefined)
  const first = await wish.request
  link?.remote.end(id, wish.latest?.() ?? first)
}
