import type { Disturbance } from '../link/protocol.ts'
import type { Client } from './client.ts'
import { answerOf } from './hub-link.ts'

/** This page takes so many ms longer for each batch; 0 for no longer than it needs. */
export interface Slowness {
  readonly type: 'slow'
  readonly delay: number
}

/** How the page receives batches when it is left alone. */
let undelayed: NonNullable<Client['tabSide']['deliver']> | undefined

/** Apart from the client, because only pages in development do. */
export async function disturbClient(client: Client, disturbance: Disturbance | Slowness): Promise<void> {
  if (disturbance.type === 'slow') {
    slowDown(client, disturbance.delay)
    return
  }
  const link = await client.attach()
  // A hub that was to end does not answer.
  await answerOf(link, link.remote.disturb(disturbance)).catch(() => {})
}

function slowDown({ tabSide }: Client, delay: number): void {
  undelayed ??= tabSide.deliver
  const deliver = undelayed
  if (deliver === undefined) return
  tabSide.deliver =
    delay === 0
      ? deliver
      : async (batch) => {
          await new Promise((resolve) => setTimeout(resolve, delay))
          return deliver(batch)
        }
}
