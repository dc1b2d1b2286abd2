import type { Client } from './client.ts'
import { answerOf } from './hub-link.ts'
import type { Inspection } from './inspection.ts'

/** Apart from the client, because few pages ask. */
export async function inspectClient(client: Client): Promise<Inspection> {
  const link = await client.attach()
  const report = await answerOf(link, link.remote.inspect()).catch((error: unknown) => {
    if (!link.life.signal.aborted) throw error
  })
  // The hub has died meanwhile, so its successor is asked.
  if (report === undefined) return inspectClient(client)
  return {
    ...report,
    host: link.host.name,
    isHere: link.host.isHere?.() ?? false,
    refused: client.refused,
    malformed: report.malformed + client.malformed,
  }
}
