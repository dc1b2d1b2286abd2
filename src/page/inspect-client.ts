import type { HubReport, Look } from '../link/protocol.ts'
import type { Client } from './client.ts'
import { answerOf, type HubLink } from './hub-link.ts'
import type { Inspection, LifeInspection } from './inspection.ts'

// Apart from the client, because few pages ask.

export async function inspectClient(client: Client): Promise<Inspection> {
  return ask(client, async (link) => inspectionOf(client, link, await link.remote.inspect()))
}

/** The same, and the hub's life. */
export async function lookInto(client: Client, look: Look): Promise<LifeInspection> {
  return ask(client, async (link) => {
    const { report, life } = await link.remote.look(look)
    return { ...inspectionOf(client, link, report), life }
  })
}

async function ask<Answer>(client: Client, question: (link: HubLink) => Promise<Answer>): Promise<Answer> {
  const link = await client.attach()
  const answer = await answerOf(link, question(link)).catch((error: unknown) => {
    if (!link.life.signal.aborted) throw error
  })
  // The hub has died meanwhile, so its successor is asked.
  return answer ?? ask(client, question)
}

const inspectionOf = (client: Client, { host }: HubLink, report: HubReport): Inspection => ({
  ...report,
  host: host.name,
  isHere: host.isHere?.() ?? false,
  refused: client.refused,
  malformed: report.malformed + client.malformed,
})
