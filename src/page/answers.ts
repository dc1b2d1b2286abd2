import type { TabSide } from '../link/protocol.ts'
import type { Client } from './client.ts'
import type { Wish } from './page-subscription.ts'

type Answers = Pick<TabSide, 'details' | 'part' | 'retryDelay'>

/** What a hub may ask where a wish has functions. Apart from the client, because not every page has such. */
export function answersOf(client: Pick<Client, 'subscription'>): Answers {
  const wishOf = (id: number): Wish => {
    const subscription = client.subscription(id)
    if (subscription === undefined) throw new Error('the page has closed this subscription')
    return subscription.wish
  }
  return {
    details: async (id, reason, round) => wishOf(id).details?.(reason, round),
    /** The subscription goes on at a stream of other headers, as at another hub. */
    part: async (id) => {
      await client.subscription(id)?.wish.parted?.()
      client.subscription(id)?.reattach()
    },
    retryDelay: async (id, attempt, error) => wishOf(id).retryDelay?.(attempt, error) ?? false,
  }
}
