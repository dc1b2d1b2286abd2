import { inWords } from './page.ts'
import type { Outcome } from './schedule.ts'

/** Tells people what pages recorded, and what servers had sent, and on which connections. */
export function show({ tabs, world }: Outcome): void {
  for (const { agent, subscriptions } of tabs) {
    for (const { records, server, due } of subscriptions) {
      const about = `${agent.name} at ${server.name}, due ${JSON.stringify(due)}`
      console.log([about, ...records.map(inWords)].join('\n  '))
    }
  }
  for (const server of world.servers) {
    const events = server.events.map(({ number, name, id, data }) => `${number}: ${name} ${data} @${id}`)
    const connections = server.allConnections.map(
      ({ reader, openedAt, endedAt, lastEventId, writings, topics }) =>
        `${openedAt} to ${endedAt} by ${reader}${topics ? ` for ${[...topics]}` : ''} after "${lastEventId}": ` +
        writings.map(({ number, at }) => `${number} at ${at}`).join(', '),
    )
    console.log([server.name, ...events, ...connections].join('\n  '))
  }
}
